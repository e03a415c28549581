import { axesOf } from "./layout.js";
import { shapeOfOperand } from "./lowering.js";
import type { Draft, Finish, KernelText, Operand } from "./plan-node.js";

/**
 * Attention without its scores in memory (Dao et al. 2022, FlashAttention): a workgroup has 64 rows of the result, goes
 * along the other side 32 at a time, and its threads have squares of 4 × 4 scores. 16 KB of workgroup memory, the least
 * that an adapter has.
 */
const [down, across, depth] = [64, 32, 16];
const threads = 128;
const lanes = ["x", "y", "z", "w"] as const;

/** Widest head: what a thread has of a result, 4 rows × 16 columns, stays in its registers. */
export const widestHead = 128;

/** A stack of matrices `[G, R, C]`, at the one this workgroup is at. */
export type StackedRows = {
  readonly operand: Operand;
  readonly base: string;
  readonly rows: number;
  readonly columns: number;
};

export const matrixAt = (text: KernelText, operand: Operand): StackedRows => {
  const [, rows, columns] = shapeOfOperand(operand);
  const base = text.fresh("base");
  text.line(`let ${base} = ${text.address(axesOf(operand.layout, [0]), "stack")} + ${operand.layout.offset}u;`);
  return { operand, base, rows, columns };
};

export const element = (text: KernelText, { operand, base }: StackedRows, row: string, column: string): string => {
  const { node, output, layout } = operand;
  const start = text.once(`${base} ${row}`, "p", () => `${base} + ${text.address(axesOf(layout, [1]), row)}`);
  const place = `${start} + ${text.address(axesOf(layout, [2]), column)}`;
  return text.read(
    node,
    output,
    text.once(`${base} ${row} ${column}`, "p", () => place),
  );
};

/** What the three kernels share. */
type Work = {
  readonly text: KernelText;
  /** Rounds what is multiplied to half precision. */
  readonly half: boolean;
  /** Workgroups there are. */
  readonly workgroups: number;
};

/** Declares workgroup memory, and says whose rows this workgroup has: `stack`, `row0`. */
export const begin = (text: KernelText, half: boolean, stacks: number, rows: number): Work => {
  const tiles = Math.ceil(rows / down);
  text.shared.push(`var<workgroup> staged: array<vec4f, ${((down + across) * depth) / 4}>;`);
  text.shared.push(`var<workgroup> weights: array<vec4f, ${(down * across) / 4}>;`);
  text.shared.push(`var<workgroup> parts: array<vec4f, ${threads}>;`);
  if (half) text.need("half");
  text.line("let group = groupOf(group3);");
  text.line(`let row0 = (group % ${tiles}u) * ${down}u; let stack = min(group / ${tiles}u, ${stacks - 1}u);`);
  text.line("let tx = thread % 8u; let ty = thread / 8u;");
  return { text, half, workgroups: stacks * tiles };
};

const rounded = ({ half }: Work, value: string): string => (half ? `halfOf(${value})` : value);

/** Brings 16 columns of some rows into workgroup memory, turned over: `[16][size / 4]`, four rows a place. */
const stageTurned = (work: Work, matrix: StackedRows, first: string, size: number, at: number): void => {
  const { text } = work;
  text.block(`for (var round = 0u; round < ${(size * depth) / 4 / threads}u; round += 1u)`, () => {
    text.line(`let entry = thread + round * ${threads}u; let kk = entry % ${depth}u; let q = entry / ${depth}u;`);
    text.line("let c = c0 + kk; var quad = vec4f();");
    text.block(`if (c < ${matrix.columns}u)`, () =>
      text.block("for (var lane = 0u; lane < 4u; lane += 1u)", () => {
        text.line(`let o = ${first} + q * 4u + lane;`);
        text.block(`if (o < ${matrix.rows}u)`, () => {
          const value = element(text, matrix, "o", "c");
          text.line(`quad[lane] = ${rounded(work, value)};`);
        });
      }),
    );
    text.line(`staged[${at}u + kk * ${size / 4}u + q] = quad;`);
  });
};

/** Declares `name`, by this thread's columns its rows of a bᵀ, from `row0` of a and `column0` of b on. */
export const scores = (work: Work, name: string, a: StackedRows, b: StackedRows): void => {
  const { text } = work;
  // Said in full: within a loop a driver may leave what it held.
  text.line(`var ${name} = array<vec4f, 4>(vec4f(), vec4f(), vec4f(), vec4f());`);
  text.block(`for (var c0 = 0u; c0 < ${a.columns}u; c0 += ${depth}u)`, () => {
    stageTurned(work, a, "row0", down, 0);
    stageTurned(work, b, "column0", across, (down * depth) / 4);
    text.line("workgroupBarrier();");
    text.block(`for (var kk = 0u; kk < ${depth}u; kk += 1u)`, () => {
      text.line(`let left = staged[kk * ${down / 4}u + ty];`);
      text.line(`let right = staged[${(down * depth) / 4}u + kk * ${across / 4}u + tx];`);
      for (const [j, lane] of lanes.entries()) {
        text.line(`${name}[${j}] = fma(left, vec4f(right.${lane}), ${name}[${j}]);`);
      }
    });
    text.line("workgroupBarrier();");
  });
};

/** Quads of columns that a thread has of a result this wide. */
export const quadsFor = (columns: number): number => Math.ceil(columns / across);

export const declareSums = ({ text }: Work, name: string, columns: number): void =>
  text.line(`var ${name}: array<array<vec4f, 4>, ${quadsFor(columns)}>;`);

/** Puts this thread's share of the weights where all find it: `[32][64 / 4]`. */
export const give = (work: Work, name: string): void => {
  for (let j = 0; j < 4; j++) {
    const value = work.half
      ? `vec4f(${lanes.map((lane) => `halfOf(${name}[${j}].${lane})`).join(", ")})`
      : `${name}[${j}]`;
    work.text.line(`weights[(tx * 4u + ${j}u) * ${down / 4}u + ty] = ${value};`);
  }
};

/** Adds weights · b, 32 rows of b from `column0` on, to `name`. */
export const accumulate = (work: Work, name: string, b: StackedRows): void => {
  const { text } = work;
  const quads = quadsFor(b.columns);
  const width = 8 * quads;
  const rows = width > 24 ? 8 : 16;
  text.block(`for (var k0 = 0u; k0 < ${across}u; k0 += ${rows}u)`, () => {
    text.block(`for (var round = 0u; round < ${(rows * width) / threads}u; round += 1u)`, () => {
      text.line(`let entry = thread + round * ${threads}u; let q = entry % ${width}u; let kk = entry / ${width}u;`);
      text.line("let o = column0 + k0 + kk; var quad = vec4f();");
      text.block(`if (o < ${b.rows}u)`, () =>
        text.block("for (var lane = 0u; lane < 4u; lane += 1u)", () => {
          text.line("let c = q * 4u + lane;");
          text.block(b.columns === 4 * width ? "" : `if (c < ${b.columns}u)`, () => {
            const value = element(text, b, "o", "c");
            text.line(`quad[lane] = ${rounded(work, value)};`);
          });
        }),
      );
      text.line("staged[entry] = quad;");
    });
    text.line("workgroupBarrier();");
    text.block(`for (var kk = 0u; kk < ${rows}u; kk += 1u)`, () => {
      text.line(`let weight = weights[(k0 + kk) * ${down / 4}u + ty];`);
      for (let l = 0; l < quads; l++) {
        text.line(`let right${l} = staged[kk * ${width}u + tx + ${8 * l}u];`);
        for (const [j, lane] of lanes.entries()) {
          text.line(`${name}[${l}][${j}] = fma(weight, vec4f(right${l}.${lane}), ${name}[${l}][${j}]);`);
        }
      }
    });
    text.line("workgroupBarrier();");
  });
};

/** What eight threads of a row have, put together by all of them. */
export const together = (
  { text }: Work,
  name: string,
  start: string,
  value: string,
  how: (a: string, b: string) => string,
) => {
  text.line(`parts[thread] = ${value}; workgroupBarrier();`);
  text.line(`var ${name} = ${start};`);
  text.line(`for (var i = 0u; i < 8u; i += 1u) { ${name} = ${how(name, "parts[ty * 8u + i]")}; }`);
};

export const sumOf = (a: string, b: string): string => `${a} + ${b}`;
export const along = ({ text }: Work, length: number, body: () => void): void =>
  text.block(`for (var column0 = 0u; column0 < ${length}u; column0 += ${across}u)`, body);

/** Sets what lies beyond the last column. */
export const beyond = ({ text }: Work, length: number, name: string, value: string): void => {
  if (length % across === 0) return;
  for (let j = 0; j < 4; j++) text.line(`if (column0 + tx * 4u + ${j}u >= ${length}u) { ${name}[${j}] = ${value}; }`);
};

/** This thread's rows that there are, `row` of the matrix and lane `i` here. */
export const eachRow = ({ text, workgroups }: Work, rows: number, body: () => void): void =>
  text.block("for (var i = 0u; i < 4u; i += 1u)", () => {
    text.line("let row = row0 + ty * 4u + i;");
    text.block(`if (row < ${rows}u && group < ${workgroups}u)`, body);
  });

/** What this thread has of a result, to memory. */
export const put = (
  work: Work,
  rows: number,
  columns: number,
  value: (sum: string) => string,
  name: string,
  store: Finish,
) => {
  const { text } = work;
  eachRow(work, rows, () =>
    text.block(`for (var l = 0u; l < ${4 * quadsFor(columns)}u; l += 1u)`, () => {
      text.line("let column = (tx + (l / 4u) * 8u) * 4u + l % 4u;");
      text.block(`if (column < ${columns}u)`, () => {
        text.line(`let at = (stack * ${rows}u + row) * ${columns}u + column;`);
        text.line(`let value = ${value(`${name}[l / 4u][l % 4u][i]`)};`);
        store(text, "at", "value");
      });
    }),
  );
};

export const draft = ({ text, workgroups }: Work, flops: number): Draft => ({
  text,
  workgroupSize: threads,
  workgroups,
  flops,
});
