import { readFile } from "node:fs/promises";
import { parseJson } from "../parse-json.js";
import { fileError } from "./file-error.js";

/**
 * Reads a JSON file.
 *
 * @param remedy what to do when it is damaged
 * @throws KdcError reason `missing`, `permission` …; `damaged` for what is no JSON
 */
export async function readJson(path: string, remedy: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw fileError("read", path, error);
  }
  return parseJson(text, { where: path, remedy });
}
