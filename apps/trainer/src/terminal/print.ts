import { visibleText } from "@kdc-mae/core";

/** Writes a result to stdout. Nothing in it acts on a terminal, whatever files and labels are called. */
export const print = (text: string): void => {
  process.stdout.write(visibleText(text));
};

/** Writes a remark to stderr, in the same way. */
export const remark = (text: string): void => {
  process.stderr.write(visibleText(text));
};
