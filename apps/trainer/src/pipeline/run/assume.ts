import { KdcError } from "@kdc-mae/core";
import { readClassLabels } from "@kdc-mae/data/node";
import { type ClassifierMode, officialModes } from "@kdc-mae/model";

/** What an official checkpoint's tensors cannot say, where somebody knows better than the method's constants. */
export type Assume = {
  readonly statistics?: { readonly mean: number; readonly std: number };
  readonly sampleRate?: number;
  readonly melBins?: number;
  /** Whether class tokens per modality are global tokens, as CAV-MAE Sync has them. */
  readonly globalToken?: boolean;
  /** Seconds of a clip, of a model that hears a window of it. */
  readonly clipSeconds?: number;
  readonly heads?: number;
  readonly decoderHeads?: number;
  readonly normPix?: boolean;
  readonly pictures?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly loss?: "cross-entropy" | "binary-cross-entropy";
  readonly mode?: ClassifierMode;
  /** Names in the order of the logits. */
  readonly classes?: readonly string[];
};

/** One thing that was assumed of a model: what, and how to say otherwise. */
export type Assumption = { readonly what: string; readonly change: string };

/** An assumption as a line to show a person. */
export const assumptionLine = ({ what, change }: Assumption): string => `assumed: ${what}; another: --assume ${change}`;

function refuse(text: string, what: string): never {
  throw new KdcError({
    where: `--assume ${text}`,
    what,
    remedy: `Give one of ${Object.entries(forms)
      .map(([name, { form }]) => `${name}=${form}`)
      .join(", ")}`,
    reason: "usage",
  });
}

const numbers = (value: string, count: number): number[] | undefined => {
  const list = value.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  return list.length === count && list.every(Number.isFinite) ? list : undefined;
};

const whole = (value: string): number | undefined => {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : undefined;
};

const oneOf = <T extends string>(value: string, ...allowed: readonly T[]): T | undefined =>
  allowed.find((one) => one === value);

type Reader = (value: string) => Assume | undefined | Promise<Assume>;

/** What `undefined` stands for here: a value that is none. */
const given = <Key extends keyof Assume>(key: Key, value: Assume[Key]): Assume | undefined =>
  value === undefined ? undefined : { [key]: value };

const forms: Readonly<Record<string, { readonly form: string; readonly read: Reader }>> = {
  statistics: {
    form: "MEAN,STD",
    read: (value) => {
      const [mean, std] = numbers(value, 2) ?? [];
      return mean === undefined || !(std > 0) ? undefined : { statistics: { mean, std } };
    },
  },
  "sample-rate": { form: "HZ", read: (value) => given("sampleRate", whole(value)) },
  "mel-bins": { form: "N", read: (value) => given("melBins", whole(value)) },
  "global-token": {
    form: "true|false",
    read: (value) => {
      const said = oneOf(value, "true", "false");
      return said && { globalToken: said === "true" };
    },
  },
  "clip-seconds": {
    form: "SECONDS",
    read: (value) =>
      given("clipSeconds", Number(value) > 0 && Number.isFinite(Number(value)) ? Number(value) : undefined),
  },
  heads: { form: "N", read: (value) => given("heads", whole(value)) },
  "decoder-heads": { form: "N", read: (value) => given("decoderHeads", whole(value)) },
  "norm-pix": {
    form: "true|false",
    read: (value) => {
      const said = oneOf(value, "true", "false");
      return said && { normPix: said === "true" };
    },
  },
  pictures: {
    form: "R,G,B,R,G,B",
    read: (value) => {
      const list = numbers(value, 6);
      return list?.slice(3).every((std) => std > 0)
        ? { pictures: { mean: list.slice(0, 3), std: list.slice(3) } }
        : undefined;
    },
  },
  loss: {
    form: "cross-entropy|binary-cross-entropy",
    read: (value) => given("loss", oneOf(value, "cross-entropy", "binary-cross-entropy")),
  },
  mode: {
    form: Object.keys(officialModes).slice(0, 3).join("|"),
    read: (value) => given("mode", oneOf(value, "multimodal", "audio-only", "visual-only")),
  },
  classes: { form: "FILE", read: async (value) => ({ classes: (await readClassLabels(value)).names }) },
};

/**
 * Reads what `--assume` says, such as `norm-pix=false` and `statistics=-5.081,4.4849`.
 *
 * @throws KdcError (`usage`) naming what may be given
 */
export async function readAssume(list: readonly string[]): Promise<Assume> {
  const said = await Promise.all(
    list.map(async (text) => {
      const [name, value] = [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)];
      if (!text.includes("=") || !Object.hasOwn(forms, name)) refuse(text, `nothing is called "${text.split("=")[0]}"`);
      return (await forms[name].read(value)) ?? refuse(text, `"${value}" is no ${forms[name].form}`);
    }),
  );
  return Object.assign({}, ...said);
}
