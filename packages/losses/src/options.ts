import { KdcError } from "@kdc-mae/core";

/** What is wrong with an option; `remedy` says what to do where the schema knows. */
type Issue = {
  readonly message: string;
  readonly remedy?: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
};

type Checked<Options> =
  | { readonly value: Options; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

/**
 * What a term's options may be, as Standard Schema (version 1, standardschema.dev) writes it: a strict object of zod,
 * valibot or arktype is one, and so is {@link strictOptions}. It must refuse keys it does not know, for an option that
 * nobody reads is a mistake.
 */
export type OptionsSchema<Options> = {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    /** The options as they are, or what is wrong with them. */
    readonly validate: (value: unknown) => Checked<Options> | Promise<Checked<Options>>;
  };
};

/** Says what is wrong with one option's value, if anything is. */
type OptionCheck = (name: string, value: unknown) => { readonly what: string; readonly remedy: string } | undefined;

/** `true` or `false`, no text that reads like it. */
export const flag: OptionCheck = (name, value) =>
  typeof value === "boolean" ? undefined : { what: `${name} is ${JSON.stringify(value)}`, remedy: "Use true or false" };

/** A finite number above 0. */
export const aboveZero =
  (example: number): OptionCheck =>
  (name, value) =>
    typeof value === "number" && value > 0 && Number.isFinite(value)
      ? undefined
      : {
          what: `the ${name} is ${typeof value === "number" ? value : JSON.stringify(value)}`,
          remedy: `Use a number above 0, such as ${example}`,
        };

/** One of some words. */
export const oneOf =
  (choices: readonly string[]): OptionCheck =>
  (name, value) =>
    choices.includes(value as string)
      ? undefined
      : { what: `the ${name} ${JSON.stringify(value)} is not known`, remedy: `Use one of ${choices.join(", ")}` };

/** A list of some words, each once and at least one; `kind` is what one of them is called. */
export const listOf =
  (kind: string, names: readonly string[]): OptionCheck =>
  (name, value) => {
    const given: readonly unknown[] = Array.isArray(value) ? value : [value];
    const stranger = given.find((one) => !names.includes(one as string));
    if (stranger !== undefined) return oneOf(names)(kind, stranger);
    return Array.isArray(value) && given.length > 0 && new Set(given).size === given.length
      ? undefined
      : {
          what: `the ${name} are [${given.join(", ")}]`,
          remedy: `Name at least one of ${names.join(", ")}, each once`,
        };
  };

/** A list of some streams. */
export const streamsOf = (names: readonly string[]): OptionCheck => listOf("stream", names);

/**
 * A strict schema from a check for each option; every option may be left out, and no other may be given.
 *
 * @example
 * ```ts
 * import { aboveZero, expectOptions, strictOptions } from "@kdc-mae/losses";
 *
 * const schema = strictOptions<{ readonly floor?: number }>({ floor: aboveZero(1) });
 * expectOptions({ name: "variance-floor", schema }, { floor: 2 }); // { floor: 2 }; 0, or another name, is refused
 * ```
 */
export function strictOptions<Options>(
  checks: {
    readonly [Name in keyof Options]-?: OptionCheck;
  },
): OptionsSchema<Options> {
  const known = Object.keys(checks) as (keyof Options & string)[];
  const validate = (value: unknown): Checked<Options> => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return { issues: [{ message: "the options are not an object", remedy: "Give them by name, or leave them out" }] };
    }
    const unknown = Object.keys(value).filter((name) => !known.includes(name as keyof Options & string));
    const issues = unknown.map((name) => ({
      message: `there is no option "${name}"`,
      remedy: known.length === 0 ? "It has none" : `Its options are ${known.join(", ")}`,
    }));
    const wrong = known.flatMap((name) => {
      const given = (value as Options)[name];
      const problem = given === undefined ? undefined : checks[name](name, given);
      return problem === undefined ? [] : [{ message: problem.what, remedy: problem.remedy }];
    });
    return issues.length + wrong.length > 0 ? { issues: [...issues, ...wrong] } : { value: value as Options };
  };
  return { "~standard": { version: 1, vendor: "kdc-mae", validate } };
}

/**
 * Options as a term's schema reads them; as they are where the term has none.
 *
 * @throws KdcError (`option`) naming every option that is unknown or out of range
 *
 * @example
 * ```ts
 * import { builtinTerms, expectOptions } from "@kdc-mae/losses";
 *
 * expectOptions(builtinTerms.contrastive, { temperature: 0.1 }); // { temperature: 0.1 }; one of 0 is refused
 * ```
 */
export function expectOptions<Options>(
  term: { readonly name: string; readonly schema?: OptionsSchema<Options> },
  options: Options | undefined,
): Options | undefined {
  if (term.schema === undefined) return options;
  const refuse = (what: string, remedy: string) => new KdcError({ where: term.name, what, remedy, reason: "option" });
  const checked = term.schema["~standard"].validate(options ?? {});
  if (checked instanceof Promise) {
    throw refuse(
      "its schema validates asynchronously, and options are read at once",
      "Use a schema without asynchronous checks",
    );
  }
  if (checked.issues === undefined) return options === undefined ? undefined : checked.value;
  const words = checked.issues.map(({ message, path = [] }) => {
    const at = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return at === "" ? message : `${at}: ${message}`;
  });
  const remedies = checked.issues.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy]));
  throw refuse(
    words.join("; "),
    remedies.length === 0 ? "Correct the term's options" : [...new Set(remedies)].join("; "),
  );
}
