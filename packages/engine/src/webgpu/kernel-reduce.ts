import { literal, registerType } from "./kernel-text.js";
import { axesOf, coalesce, countOf, type Layout } from "./layout.js";
import type { Core, DeviceType, Draft, Finish, KernelText, Operand, PlanNode } from "./plan-node.js";
import type { Prelude } from "./prelude.js";

/** How values are put together, and what changes nothing. */
export type Combination = {
  readonly combine: (a: string, b: string, type: DeviceType) => string;
  readonly neutral: (type: DeviceType) => string;
  readonly needs: readonly Prelude[];
};

const lowest = (type: DeviceType): string => literal(type === "f32" ? Number.NEGATIVE_INFINITY : -(2 ** 31), type);
const highest = (type: DeviceType): string => literal(type === "f32" ? Number.POSITIVE_INFINITY : 2 ** 31 - 1, type);

export const combinations = {
  sum: { combine: (a, b) => `${a} + ${b}`, neutral: (type) => literal(0, type), needs: [] },
  product: { combine: (a, b) => `${a} * ${b}`, neutral: (type) => literal(1, type), needs: [] },
  largest: {
    combine: (a, b, type) => (type === "f32" ? `larger(${a}, ${b})` : `max(${a}, ${b})`),
    neutral: lowest,
    needs: ["larger"],
  },
  smallest: {
    combine: (a, b, type) => (type === "f32" ? `smaller(${a}, ${b})` : `min(${a}, ${b})`),
    neutral: highest,
    needs: ["smaller"],
  },
} as const satisfies Record<string, Combination>;

/** Has all threads of a workgroup agree on the combination of their values; the result is a `let` of that name. */
export function agree(text: KernelText, threads: number, how: Combination, value: string, type: DeviceType): string {
  const array = text.fresh("shared");
  for (const prelude of how.needs) text.need(prelude);
  text.shared.push(`var<workgroup> ${array}: array<${registerType(type)}, ${threads}>;`);
  text.line(`${array}[thread] = ${value};`);
  text.line("workgroupBarrier();");
  for (let half = threads / 2; half >= 1; half /= 2) {
    const both = how.combine(`${array}[thread]`, `${array}[thread + ${half}u]`, type);
    text.line(`if (thread < ${half}u) { ${array}[thread] = ${both}; }`);
    text.line("workgroupBarrier();");
  }
  const name = text.fresh("all");
  text.line(`let ${name} = ${array}[0];`);
  return name;
}

type Stage = {
  readonly source: Operand;
  readonly kept: Layout;
  readonly reduced: Layout;
  /** Pieces the reduction is done in. */
  readonly pieces: number;
};

/** Kept and reduced axes of what is to be reduced. */
const sides = (source: Operand, axes: readonly number[]) => {
  const rank = source.layout.axes.length;
  const rest = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !axes.includes(axis));
  return { kept: axesOf(source.layout, rest), reduced: axesOf(source.layout, axes) };
};

const innermost = (layout: Layout): number =>
  Math.min(Number.POSITIVE_INFINITY, ...coalesce(layout.axes.flat()).map(({ stride }) => Math.abs(stride) || 1e9));

const place = (text: KernelText, { source, kept, reduced }: Stage, row: string, at: string): string => {
  const base = text.once(`base ${row}`, "o", () => `${text.address(kept, row)} + ${source.layout.offset}u`);
  return text.read(
    source.node,
    source.output,
    text.once(`place ${row} ${at}`, "p", () => `${base} + ${text.address(reduced, at)}`),
  );
};

/** Threads of a workgroup share one row, and put their parts together in workgroup memory. */
const sharedRows = (text: KernelText, stage: Stage, how: Combination, type: DeviceType, finish: Finish): Draft => {
  const [rows, count] = [countOf(stage.kept), countOf(stage.reduced)];
  const threads = count > 512 ? 256 : 64;
  const [all, each] = [text.number("rows", rows * stage.pieces), text.number("piece", Math.ceil(count / stage.pieces))];
  const length = text.number("reduced", count);
  text.line("let group = groupOf(group3);");
  text.line(`let row = min(group, ${all} - 1u) % ${text.number("kept", rows)};`);
  text.line(`let begin = (min(group, ${all} - 1u) / kept) * ${each};`);
  text.line(`let end = min(begin + ${each}, ${length});`);
  text.line(`var sum = ${how.neutral(type)};`);
  text.block(`for (var r = begin + thread; r < end; r += ${threads}u)`, () => {
    text.line(`sum = ${how.combine("sum", place(text, stage, "row", "r"), type)};`);
  });
  const total = agree(text, threads, how, "sum", type);
  text.block(`if (thread == 0u && group < ${all})`, () => finish(text, "group", total));
  return { text, workgroupSize: threads, workgroups: rows * stage.pieces, flops: rows * count };
};

/** Every thread has a row of its own; neighbours read neighbours. */
const ownRows = (text: KernelText, stage: Stage, how: Combination, type: DeviceType, finish: Finish): Draft => {
  const [rows, count] = [countOf(stage.kept), countOf(stage.reduced)];
  const threads = 64;
  const [all, each] = [text.number("rows", rows * stage.pieces), text.number("piece", Math.ceil(count / stage.pieces))];
  const length = text.number("reduced", count);
  text.line(`let i = groupOf(group3) * ${threads}u + thread;`);
  text.block(`if (i < ${all})`, () => {
    text.line(`let row = i % ${text.number("kept", rows)};`);
    text.line(`let begin = (i / kept) * ${each};`);
    text.line(`let end = min(begin + ${each}, ${length});`);
    text.line(`var sum = ${how.neutral(type)};`);
    text.block("for (var r = begin; r < end; r += 1u)", () => {
      text.line(`sum = ${how.combine("sum", place(text, stage, "row", "r"), type)};`);
    });
    text.line("let total = sum;");
    finish(text, "i", "total");
  });
  return { text, workgroupSize: threads, workgroups: Math.ceil((rows * stage.pieces) / threads), flops: rows * count };
};

/** Rows that threads share: where the reduced numbers lie side by side and are many. */
const isShared = (stage: Stage): boolean => {
  const count = countOf(stage.reduced);
  if (count <= 32) return false;
  return countOf(stage.kept) < 64 || innermost(stage.reduced) <= innermost(stage.kept);
};

const piecesFor = (rows: number, count: number, shared: boolean): number => {
  if (shared) return rows >= 256 || count <= 4096 ? 1 : Math.min(256, Math.ceil(count / 2048));
  return rows >= 8192 || count < 128 ? 1 : Math.min(Math.ceil(8192 / rows), Math.ceil(count / 64), 128);
};

/**
 * Reduces axes of an operand: in one pass, or in pieces and then the pieces, where one pass would leave most of a card
 * idle.
 */
export function reduceCore(source: Operand, axes: readonly number[], how: Combination): Core {
  const type = source.node.types[source.output];
  const stage = (text: KernelText, one: Stage, finish: Finish): Draft => {
    for (const prelude of how.needs) text.need(prelude);
    return (isShared(one) ? sharedRows : ownRows)(text, one, how, type, finish);
  };
  return ({ write, finish, scratch }) => {
    const { kept, reduced } = sides(source, axes);
    const rows = countOf(kept);
    const pieces = piecesFor(rows, countOf(reduced), isShared({ source, kept, reduced, pieces: 1 }));
    if (pieces === 1) return [stage(write(), { source, kept, reduced, pieces }, finish)];
    const parts: PlanNode = scratch(rows * pieces, type);
    const first = stage(write(), { source, kept, reduced, pieces }, (text, at, value) =>
      text.write(parts, 0, at, value),
    );
    return [first, combineParts(write(), parts, rows, pieces, how, finish)];
  };
}

/** Parts [pieces, rows] put together, row by row. */
export function combineParts(
  text: KernelText,
  parts: PlanNode,
  rows: number,
  pieces: number,
  how: Combination,
  finish: Finish,
): Draft {
  const kept: Layout = { axes: [[{ size: rows, stride: 1 }]], offset: 0 };
  const reduced: Layout = { axes: [[{ size: pieces, stride: rows }]], offset: 0 };
  const source = { node: parts, output: 0, layout: { axes: [...kept.axes, ...reduced.axes], offset: 0 } };
  const stage = { source, kept, reduced, pieces: 1 };
  for (const prelude of how.needs) text.need(prelude);
  return (isShared(stage) ? sharedRows : ownRows)(text, stage, how, parts.types[0], finish);
}
