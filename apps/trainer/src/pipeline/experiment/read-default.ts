import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { KdcError } from "@kdc-mae/core";
import { createJiti } from "jiti";

async function readModule(path: string): Promise<unknown> {
  switch (extname(path)) {
    case ".json":
      return JSON.parse(await readFile(path, "utf8"));
    case ".ts":
      return createJiti(import.meta.url).import(pathToFileURL(path).href, { default: true });
    default:
      return (await import(pathToFileURL(path).href)).default;
  }
}

/**
 * What a `.ts`, `.mjs`, `.js` or `.json` file holds: a module's default export.
 *
 * @param where for the message, such as `experiment demo.ts`
 * @throws KdcError (`experiment`) for a file that cannot be read
 */
export async function readDefault(path: string, where: string): Promise<unknown> {
  try {
    return await readModule(path);
  } catch (cause) {
    throw new KdcError({
      where,
      what: `the file cannot be read as ${extname(path)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: `Correct the file; it must export the ${where.split(" ")[0]} as its default`,
      reason: "experiment",
      cause,
    });
  }
}
