import { createRng, type Evidence, mapTree, type Rng, treeLeaves } from "@kdc-mae/core";
import { add, gather, grads, mean, memory, mul, type Scalar, sum, Tensor, tidy } from "@tensorflow/tfjs-core";
import { exampleEvidence } from "./example-evidence.js";
import { expectOptions } from "./options.js";
import type { LossTerm } from "./term.js";

export { type ExampleSizes, exampleEvidence } from "./example-evidence.js";

const closeTo = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a), Math.abs(b));

const isFloat = (leaf: Tensor): boolean => leaf.dtype === "float32";

/** Every tensor of the evidence, its clips reordered or repeated by `change`. */
const changeClips = (evidence: Evidence, change: (leaf: Tensor) => Tensor): Evidence =>
  mapTree(evidence, change) as Evidence;

/** Gradients of the term with respect to every float tensor of the evidence, by path; zeros where it does not look. */
function gradients<Options>(
  term: LossTerm<Options>,
  evidence: Evidence,
  options: Options | undefined,
): readonly (readonly [path: string, values: Float32Array])[] {
  const leaves = treeLeaves<Tensor>(evidence).filter(([, leaf]) => isFloat(leaf));
  return tidy(() => {
    const derive = grads((...inputs: Tensor[]) => {
      const at = new Map(leaves.map(([path], index) => [path, inputs[index]]));
      const replaced = mapTree(evidence, (leaf: Tensor, path) => at.get(path) ?? leaf) as Evidence;
      // tfjs refuses inputs that the value does not depend on: make it depend on all of them, by nothing.
      const nothing = inputs.map((input) => mul(sum(input), 0)).reduce((total, next) => add(total, next));
      return add(term.compute(replaced, options), nothing);
    });
    const derived = derive(leaves.map(([, leaf]) => leaf));
    return leaves.map(([path], index) => [path, derived[index].dataSync() as Float32Array] as const);
  });
}

/** What is wrong with the gradients: where they must arrive and where they must not, by the term's own `needs`. */
function gradientProblems<Options>(
  term: LossTerm<Options>,
  evidence: Evidence,
  options: Options | undefined,
): readonly string[] {
  const { encoded = [], reconstruction = [], contrast = [], prediction = [], sampling } = term.needs(options);
  const named = (place: RegExp, names: readonly string[], path: string): boolean =>
    place.test(path) && names.some((name) => path.endsWith(`.${name}`));
  const isNeeded = (path: string): boolean =>
    named(/^views\.\d+\.encoded\./, encoded, path) ||
    named(/^views\.\d+\.reconstruction\./, reconstruction, path) ||
    named(/^views\.\d+\.prediction\./, prediction, path) ||
    named(/^contrast\.\d+\.encoded\./, contrast, path);
  return gradients(term, evidence, options).flatMap(([path, values]) => {
    if (values.some((value) => !Number.isFinite(value))) return [`the gradient of ${path} is not finite`];
    const arrives = values.some((value) => value !== 0);
    if (isNeeded(path) && !arrives) return [`no gradient reaches ${path}, which it says it needs`];
    if (/^(teacher|whole)\./.test(path) && arrives) return [`a gradient reaches ${path}: a teacher must get none`];
    if (path.startsWith("sampling.") && arrives !== (sampling === true)) {
      return [arrives ? `a gradient reaches ${path}, which its needs do not name` : `no gradient reaches ${path}`];
    }
    if (/^(views|contrast)\./.test(path) && !isNeeded(path) && arrives) {
      return [`a gradient reaches ${path}, which its needs do not name`];
    }
    return [];
  });
}

/** What is wrong with the schema: it must take the options given, and no option that it does not know. */
function schemaProblems<Options>(term: LossTerm<Options>, options: Options | undefined): readonly string[] {
  if (term.schema === undefined) return [];
  const refuses = (given: unknown) => {
    try {
      expectOptions(term, given as Options);
      return false;
    } catch {
      return true;
    }
  };
  return [
    ...(refuses(options) ? ["its schema refuses the options given"] : []),
    ...(refuses({ ...options, "no such option": 1 }) ? [] : ["its schema lets an unknown option pass: make it strict"]),
  ];
}

/** What is wrong with a term that is none, or whose value is no tensor: nothing else can be asked of it. */
function kindProblems<Options>(term: LossTerm<Options>, evidence: Evidence, options: Options | undefined): string[] {
  const lacking = (["needs", "compute"] as const).filter((key) => typeof term[key] !== "function");
  if (lacking.length > 0) return lacking.map((key) => `its ${key} is no function`);
  const kind = tidy(() => {
    const made: unknown = term.compute(evidence, options);
    // A promise may not leave tidy.
    return made instanceof Tensor ? "tensor" : made instanceof Promise ? "promise" : typeof made;
  });
  const remedy = "make it of tfjs operations at once, without reading values";
  return kind === "tensor" ? [] : [`it gives ${kind}, not a scalar tensor: ${remedy}`];
}

/** What is wrong with the value: its kind, and what happens to it when the batch is reordered or taken apart. */
function valueProblems<Options>(
  term: LossTerm<Options>,
  evidence: Evidence,
  options: Options | undefined,
): readonly string[] {
  const read = (of: Evidence): number => tidy(() => term.compute(of, options).dataSync()[0]);
  const shape: number[] = tidy(() => [...term.compute(evidence, options).shape]);
  if (shape.length > 0) return [`it gives shape [${shape.join(", ")}], not a scalar`];
  const value = read(evidence);
  if (!Number.isFinite(value)) return [`its value is ${value}`];

  const problems: string[] = [];
  const again = read(evidence);
  if (again !== value) problems.push(`the same evidence gave ${value} and then ${again}`);

  const clips = evidence.patches.audio.shape[0];
  const backwards = Array.from({ length: clips }, (_, clip) => clips - 1 - clip);
  const reordered = tidy(() => read(changeClips(evidence, (leaf) => gather(leaf, backwards))));
  if (!closeTo(reordered, value)) problems.push(`reordering the clips changed it from ${value} to ${reordered}`);

  if (!term.comparesClips) {
    const own = Array.from({ length: clips }, (_, clip) =>
      tidy(() => read(changeClips(evidence, (leaf) => gather(leaf, [clip])))),
    );
    const average = own.reduce((sum, one) => sum + one, 0) / clips;
    if (!closeTo(average, value)) {
      problems.push(
        `its clips alone give ${average} on average and together ${value}: take the mean over clips, or set comparesClips`,
      );
    }
  }

  const { pooled = [], patches = true } = term.needs(options);
  const unread: readonly (readonly [says: string, where: RegExp, change: (leaf: Tensor) => Tensor])[] = [
    ...pooled.map(
      (stream) =>
        [
          `looks at the mean token of ${stream} alone`,
          new RegExp(`^((views|contrast)\\.\\d+\\.encoded|teacher\\.\\d+)\\.${stream}$`),
          (leaf: Tensor) => mean(leaf, 1, true),
        ] as const,
    ),
    ...(patches ? [] : [["does not look at the patches", /^patches\./, (leaf: Tensor) => mul(leaf, -2)] as const]),
  ];
  for (const [says, where, change] of unread) {
    const changed = tidy(() =>
      read(mapTree(evidence, (leaf: Tensor, path) => (where.test(path) ? change(leaf) : leaf)) as Evidence),
    );
    if (!closeTo(changed, value)) {
      problems.push(`its needs say that it ${says}, and without the rest ${value} became ${changed}`);
    }
  }

  const before = memory().numTensors;
  (term.compute(evidence, options) as Scalar).dispose();
  const left = memory().numTensors - before;
  if (left !== 0) problems.push(`it leaves ${left} tensors behind: wrap compute in tidy`);
  return problems;
}

/**
 * The suite that every loss term must pass, built-in or not: a finite scalar, the same for the same evidence, whatever
 * the order of the clips; the mean of what each clip gives alone (unless it says `comparesClips`); no tensor left behind; nothing
 * looked at that its `needs` say is not; gradients that reach what `needs` names, in every
 * view, and nothing else. Knows no test framework: expect the result to equal `[]`.
 *
 * tfjs-core alone knows no gradients and no backend: import `@tensorflow/tfjs` (or the engine) before.
 *
 * @param setup.options passed to the term
 * @param setup.evidence what to compute it on; {@link exampleEvidence} of three views and a teacher by default
 * @returns what is wrong, in words; empty if nothing is
 *
 * @example
 * ```ts
 * import { contrastive } from "@kdc-mae/losses";
 * import { checkLossTerm } from "@kdc-mae/losses/testing";
 * import "@tensorflow/tfjs"; // a backend and gradients
 *
 * checkLossTerm(contrastive, { options: { direction: "both" } }); // []: nothing is wrong
 * ```
 */
export function checkLossTerm<Options>(
  term: LossTerm<Options>,
  setup: { readonly options?: Options; readonly evidence?: (rng: Rng) => Evidence } = {},
): readonly string[] {
  const { options, evidence: make = exampleEvidence } = setup;
  const evidence = make(createRng(`checkLossTerm ${term.name}`));
  try {
    const wrongKind = kindProblems(term, evidence, options);
    if (wrongKind.length > 0) return wrongKind.map((problem) => `${term.name}: ${problem}`);
    const named = (term.name ?? "").trim() === "" ? ["it has no name"] : [];
    const value = valueProblems(term, evidence, options);
    return [...named, ...schemaProblems(term, options), ...value, ...gradientProblems(term, evidence, options)].map(
      (problem) => `${term.name}: ${problem}`,
    );
  } catch (error) {
    return [`${term.name}: it threw "${error instanceof Error ? error.message : String(error)}"`];
  } finally {
    for (const [, leaf] of treeLeaves<Tensor>(evidence)) leaf.dispose();
  }
}
