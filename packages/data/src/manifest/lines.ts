import { createReadStream } from "node:fs";
import { fileError } from "@kdc-mae/core/node";
import { manifestError } from "./manifest-error.js";

/** Longest line that is taken, characters: a file without line breaks must not fill the memory. */
const longest = 2 ** 22;

/** The lines of a text file, with their numbers from 1, read as a stream. @throws KdcError for a file that cannot be read or an endless line */
export async function* readLines(file: string): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  let [rest, line] = ["", 0];
  try {
    for await (const chunk of createReadStream(file, { encoding: "utf8" })) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      for (const text of parts) yield { line: ++line, text: clean(text, line) };
      if (rest.length > longest)
        throw manifestError(
          { file, line: line + 1 },
          `the line is longer than ${longest} characters`,
          "Check the file",
        );
    }
  } catch (error) {
    throw fileError("read", file, error);
  }
  if (rest !== "") yield { line: ++line, text: clean(rest, line) };
}

const clean = (text: string, line: number): string => {
  const ended = text.endsWith("\r") ? text.slice(0, -1) : text;
  return line === 1 && ended.startsWith("\uFEFF") ? ended.slice(1) : ended;
};
