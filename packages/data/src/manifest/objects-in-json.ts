import { createReadStream } from "node:fs";
import { fileError } from "@kdc-mae/core/node";
import { manifestError } from "./manifest-error.js";

const longest = 2 ** 22;

/**
 * The objects of the list in a JSON file that is `[…]` or `{ "data": […] }`, one after the other: a file of any length
 * in little memory. Works on the text's brackets and quotes; each object is yielded as text.
 *
 * @throws KdcError when the file ends inside an object or one is endless
 */
export async function* objectsInJson(file: string): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  let [depth, line, begun, objectLine] = [0, 1, "", 1];
  let [inText, escaped, listDepth] = [false, false, -1];
  const chunks = createReadStream(file, { encoding: "utf8" });
  try {
    for await (const chunk of chunks as AsyncIterable<string>) {
      let from = listDepth >= 0 && depth > listDepth ? 0 : -1;
      for (let at = 0; at < chunk.length; at++) {
        const letter = chunk[at];
        if (letter === "\n") line++;
        if (inText) {
          if (escaped) escaped = false;
          else if (letter === "\\") escaped = true;
          else if (letter === '"') inText = false;
        } else if (letter === '"') inText = true;
        else if (letter === "[" || letter === "{") {
          if (letter === "[" && listDepth < 0) listDepth = depth + 1;
          else if (letter === "{" && depth === listDepth) [from, objectLine] = [at, line];
          depth++;
        } else if (letter === "]" || letter === "}") {
          depth--;
          if (listDepth >= 0 && depth === listDepth && letter === "}") {
            yield { line: objectLine, text: begun + chunk.slice(from, at + 1) };
            [begun, from] = ["", -1];
          }
          if (depth < listDepth) return;
        }
      }
      if (from >= 0) begun += chunk.slice(from);
      if (begun.length > longest) throw manifestError({ file, line }, "an object does not end", "Check the file");
    }
  } catch (error) {
    throw fileError("read", file, error);
  }
  const what = listDepth < 0 ? "there is no list in it" : "the file ends inside its list";
  throw manifestError({ file, line }, what, 'Give JSON such as {"data": [{"wav": "a.wav", …}]}, whole');
}
