import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { decoderNames } from "@kdc-mae/data";
import { type Command, InvalidArgumentError, Option } from "commander";
import { isHubAddress } from "../pipeline/share/hub-address.js";
import { remark } from "../terminal/print.js";
import { stopped } from "../terminal/ranks.js";

/** A number above 0. */
export const positiveNumber = (text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a number above 0.");
};

const shareOf =
  (fits: (value: number) => boolean, which: string) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (fits(value)) return value;
    throw new InvalidArgumentError(`It must be a number ${which}.`);
  };

/** A share that leaves some and takes some. */
export const properShare = shareOf((value) => value > 0 && value < 1, "between 0 and 1");

/** A share that leaves some. */
export const shareBelowOne = shareOf((value) => value >= 0 && value < 1, "from 0 to below 1");

/** Any share: none, some or all. */
export const anyShare = shareOf((value) => value >= 0 && value <= 1, "from 0 to 1");

/** Which clips of an experiment's data, on the command line. */
export type DataOptions = { readonly splitBy?: string; readonly labels?: string; readonly windows?: number };

/** Adds the options that say which clips of an experiment's data are taken, and as what. */
export const withDataOptions = (command: Command): Command =>
  command
    .option(
      "--split-by <shares>",
      "share out clips without a split among train, validation and test (data.splitBy): 0.8,0.1,0.1",
    )
    .option("--labels <file>", "take only clips with a label of this list (data.labels)")
    .option(
      "--windows <seconds>",
      "cut long recordings into clips of this many seconds (data.windows)",
      positiveNumber,
    );

/** What those options change of an experiment. */
export const dataChanges = ({ splitBy, labels, windows }: DataOptions): readonly unknown[] =>
  Object.entries({ splitBy, labels, windows }).flatMap(([key, value]) =>
    value === undefined ? [] : [{ data: { [key]: value } }],
  );

/** Adds the choice of what decodes media. */
export const withDecoderOption = (command: Command): Command =>
  command.addOption(
    new Option("--decoder <name>", "how media are decoded; all give the same clips")
      .choices([...decoderNames])
      .default(decoderNames[0]),
  );

/** Which windows of a file are looked at, on the command line. */
export type WindowChoice = { readonly window?: number; readonly hop?: number };

/** Adds the options that say in which windows a file is looked at over its whole length; `hop` is the default's words. */
export const withWindows = (command: Command, hop = "their length"): Command =>
  command
    .option(
      "--window <seconds>",
      "length of a window (default: the model's own, which is also the longest)",
      positiveNumber,
    )
    .option("--hop <seconds>", `time between the starts of two windows (default: ${hop})`, positiveNumber);

/** Commander's way of letting an option be given several times. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** What may be given where a model is taken. */
export const modelWords = "a .safetensors that kdc-mae wrote, or an official CAV-MAE or KDC-MAE checkpoint (.pth)";

/** What {@link withAssume} adds. */
export type AssumeChoice = { readonly assume: readonly string[] };

/** Adds `--assume`, which says of an official checkpoint what its tensors do not. */
export const withAssume = (command: Command): Command =>
  command.option(
    "--assume <what=value>",
    "for an official checkpoint, what its tensors do not say: norm-pix=false, statistics=MEAN,STD, heads=N … (all are printed)",
    collect,
    [],
  );

/** Says that a run was stopped and can go on, and sets the exit code a shell gives an interrupt. */
export function saysStopped(folder: string): void {
  remark(`stopped; the same command goes on from here (${resolve(folder)})\n`);
  process.exitCode = stopped();
}

/** @throws KdcError (`no-model`) when there is no such model file */
export function expectModelFile(where: string, path: string, first = "kdc-mae demo or kdc-mae pretrain"): void {
  if (isHubAddress(path) || existsSync(path)) return;
  throw new KdcError({
    where,
    what: `there is no model ${path}`,
    remedy: `Run ${first} first, or give the file of another model`,
    reason: "no-model",
  });
}

const wholeNumber =
  (least: number, most: number, which: string) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number${which}.`);
  };

/** A whole number of at least 1. */
export const atLeastOne = wholeNumber(1, Number.POSITIVE_INFINITY, " of at least 1");

/** A whole number of at least 0. */
export const zeroOrMore = wholeNumber(0, Number.POSITIVE_INFINITY, " of 0 or more");

/** A whole number from 1 to `most`. */
export const wholeNumberTo = (most: number) => wholeNumber(1, most, ` from 1 to ${most}`);

/** Any whole number, such as a seed. */
export const anyWholeNumber = wholeNumber(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, "");

/** How many of what: `1 class`, `2 classes`. */
export const many = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`;

/** Options that a command reads only together with others: which, whether these others are there, and what to do. */
export type ReadWith<Options> = {
  readonly options: readonly (keyof Options & string)[];
  readonly when: (options: Options) => boolean;
  readonly what: string;
  readonly remedy: string;
};

/**
 * Refuses, before the command begins, options that were given and that it would not read.
 *
 * @throws KdcError (`usage`)
 */
export const readWith = <Options extends object>(command: Command, rules: readonly ReadWith<Options>[]): Command =>
  command.hook("preAction", () => {
    const values = command.opts<Options>();
    for (const { options, when, what, remedy } of rules) {
      const unread = options.find((name) => command.getOptionValueSource(name) === "cli");
      if (unread === undefined || when(values)) continue;
      const flag = command.options.find((option) => option.attributeName() === unread)?.long ?? unread;
      throw new KdcError({ where: flag, what, remedy, reason: "usage" });
    }
  });
