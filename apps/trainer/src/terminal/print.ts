import { visibleText } from "@kdc-mae/core";
import { launchedRank } from "../pipeline/ranks/open-mpi.js";

/** Of processes that `mpirun` started the first speaks for all. */
export const speaks = launchedRank(process.env) === 0;

/** Writes a result to stdout. Nothing in it acts on a terminal, whatever files and labels are called. */
export const print = (text: string): void => {
  if (speaks) process.stdout.write(visibleText(text));
};

/** Writes a remark to stderr, in the same way. */
export const remark = (text: string): void => {
  if (speaks) process.stderr.write(visibleText(text));
};

/** Writes a failure to stderr, whichever process it is of. */
export const complain = (text: string): void => {
  process.stderr.write(visibleText(text));
};
