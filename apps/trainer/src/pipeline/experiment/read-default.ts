import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { KdcError } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";
import { quoted } from "../shell-word.js";

const read = ".json, .ts, .mts, .mjs, .cjs, .js".split(", ");

async function readModule(path: string): Promise<unknown> {
  // Modules are looked for in other ways than files, and said to be missing in other words.
  const text = await readFile(path, "utf8").catch((error) => {
    throw new Error(fileError("read", path, error).what);
  });
  if (!read.includes(extname(path))) throw new Error(`its name ends in none of ${read.join(", ")}`);
  if (text.trim() === "") throw new Error("it is empty");
  switch (extname(path)) {
    case ".json":
      return JSON.parse(text);
    case ".ts":
    case ".mts": {
      const { createJiti } = await import("jiti");
      return createJiti(import.meta.url).import(pathToFileURL(path).href, { default: true });
    }
    default:
      return (await import(pathToFileURL(path).href)).default;
  }
}

/**
 * What a `.ts`, `.mts`, `.mjs`, `.cjs`, `.js` or `.json` file holds: a module's default export.
 *
 * @param where for the message, such as `experiment demo.ts`
 * @throws KdcError (`experiment`) for a file that cannot be read
 */
export async function readDefault(path: string, where: string): Promise<unknown> {
  try {
    const value = await readModule(path);
    if (value === undefined) throw new Error("it exports nothing as its default");
    return value;
  } catch (cause) {
    throw new KdcError({
      where,
      what: `the file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: read.includes(extname(path))
        ? `Correct the file; it must export the ${where.split(" ")[0]} as its default`
        : `Give the file of an ${where.split(" ")[0]}, or its name; one that reads a list or a folder of clips takes it as --set data.path=${quoted(path)}`,
      reason: "experiment",
      cause,
    });
  }
}
