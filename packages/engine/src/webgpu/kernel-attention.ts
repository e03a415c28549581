import { literal } from "./kernel-text.js";
import { axesOf } from "./layout.js";
import { shapeOfOperand } from "./lowering.js";
import type { Core, Draft, Finish, KernelText, Operand } from "./plan-node.js";

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
type Matrix = {
  readonly operand: Operand;
  readonly base: string;
  readonly rows: number;
  readonly columns: number;
};

const matrixAt = (text: KernelText, operand: Operand): Matrix => {
  const [, rows, columns] = shapeOfOperand(operand);
  const base = text.fresh("base");
  text.line(`let ${base} = ${text.address(axesOf(operand.layout, [0]), "stack")} + ${operand.layout.offset}u;`);
  return { operand, base, rows, columns };
};

const element = (text: KernelText, { operand, base }: Matrix, row: string, column: string): string => {
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
const begin = (text: KernelText, half: boolean, stacks: number, rows: number): Work => {
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
const stageTurned = (work: Work, matrix: Matrix, first: string, size: number, at: number): void => {
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
const scores = (work: Work, name: string, a: Matrix, b: Matrix): void => {
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
const quadsFor = (columns: number): number => Math.ceil(columns / across);

const declareSums = ({ text }: Work, name: string, columns: number): void =>
  text.line(`var ${name}: array<array<vec4f, 4>, ${quadsFor(columns)}>;`);

/** Puts this thread's share of the weights where all find it: `[32][64 / 4]`. */
const give = (work: Work, name: string): void => {
  for (let j = 0; j < 4; j++) {
    const value = work.half
      ? `vec4f(${lanes.map((lane) => `halfOf(${name}[${j}].${lane})`).join(", ")})`
      : `${name}[${j}]`;
    work.text.line(`weights[(tx * 4u + ${j}u) * ${down / 4}u + ty] = ${value};`);
  }
};

/** Adds weights · b, 32 rows of b from `column0` on, to `name`. */
const accumulate = (work: Work, name: string, b: Matrix): void => {
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
const together = (
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

const sumOf = (a: string, b: string): string => `${a} + ${b}`;
const along = ({ text }: Work, length: number, body: () => void): void =>
  text.block(`for (var column0 = 0u; column0 < ${length}u; column0 += ${across}u)`, body);

/** Sets what lies beyond the last column. */
const beyond = ({ text }: Work, length: number, name: string, value: string): void => {
  if (length % across === 0) return;
  for (let j = 0; j < 4; j++) text.line(`if (column0 + tx * 4u + ${j}u >= ${length}u) { ${name}[${j}] = ${value}; }`);
};

/** This thread's rows that there are, `row` of the matrix and lane `i` here. */
const eachRow = ({ text, workgroups }: Work, rows: number, body: () => void): void =>
  text.block("for (var i = 0u; i < 4u; i += 1u)", () => {
    text.line("let row = row0 + ty * 4u + i;");
    text.block(`if (row < ${rows}u && group < ${workgroups}u)`, body);
  });

/** What this thread has of a result, to memory. */
const put = (
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

const draft = ({ text, workgroups }: Work, flops: number): Draft => ({
  text,
  workgroupSize: threads,
  workgroups,
  flops,
});

/**
 * softmax(q kᵀ) v `[G, N, e]` of q `[G, N, d]`, k `[G, M, d]`, v `[G, M, e]`; second output: the logarithm of every row's
 * sum of exponentials `[G, N]`.
 */
export const attentionCore =
  ([queries, keys, values]: readonly Operand[], half: boolean): Core =>
  ({ node, write, finish }) => {
    const [G, N, d] = shapeOfOperand(queries);
    const text = write();
    const work = begin(text, half, G, N);
    const [q, k, v] = [queries, keys, values].map((operand) => matrixAt(text, operand));
    const lowest = `vec4f(${literal(-3.4e38, "f32")})`;
    text.line(`var high = ${lowest}; var sum = vec4f();`);
    declareSums(work, "mixed", v.columns);
    along(work, k.rows, () => {
      scores(work, "score", q, k);
      beyond(work, k.rows, "score", lowest);
      const largest = "max(max(score[0], score[1]), max(score[2], score[3]))";
      together(work, "higher", "high", largest, (a, b) => `max(${a}, ${b})`);
      text.line("let fade = exp(high - higher); high = higher;");
      for (let j = 0; j < 4; j++) text.line(`score[${j}] = exp(score[${j}] - high);`);
      beyond(work, k.rows, "score", "vec4f()");
      text.line("sum = sum * fade + score[0] + score[1] + score[2] + score[3];");
      for (let l = 0; l < quadsFor(v.columns); l++) {
        for (let j = 0; j < 4; j++) text.line(`mixed[${l}][${j}] *= fade;`);
      }
      give(work, "score");
      accumulate(work, "mixed", v);
    });
    together(work, "total", "vec4f()", "sum", sumOf);
    text.block("if (tx == 0u)", () =>
      eachRow(work, N, () => text.write(node, 1, `stack * ${N}u + row`, "high[i] + log(total[i])")),
    );
    put(work, N, v.columns, (value) => `${value} / total[i]`, "mixed", finish);
    return [draft(work, 2 * G * N * k.rows * (d + v.columns))];
  };

/**
 * Gradient to the queries `[G, N, d]`, and of every row Σ dy · y `[G, N]`. With P the weights, made again, the scores' is
 * P ∘ (dy vᵀ − Σ dy · y).
 *
 * @param operands q, k, v, y, dy, and the second output of {@link attentionCore}
 */
export const queriesGradientCore =
  ([queries, keys, values, made, slopes, sums]: readonly Operand[], half: boolean): Core =>
  ({ node, write, finish }) => {
    const [G, N, d] = shapeOfOperand(queries);
    const text = write();
    const work = begin(text, half, G, N);
    const [q, k, v, y, dy] = [queries, keys, values, made, slopes].map((operand) => matrixAt(text, operand));
    text.line("var own = vec4f(); var whole = vec4f();");
    text.block("for (var i = 0u; i < 4u; i += 1u)", () => {
      text.line("let row = row0 + ty * 4u + i;");
      text.block(`if (row < ${N}u)`, () => {
        text.line(`whole[i] = ${text.operand(sums, `stack * ${N}u + row`)};`);
        text.block(`for (var column = tx; column < ${v.columns}u; column += 8u)`, () =>
          text.line(`own[i] += ${element(text, dy, "row", "column")} * ${element(text, y, "row", "column")};`),
        );
      });
    });
    together(work, "level", "vec4f()", "own", sumOf);
    text.block("if (tx == 0u)", () => eachRow(work, N, () => text.write(node, 1, `stack * ${N}u + row`, "level[i]")));
    declareSums(work, "gradient", d);
    along(work, k.rows, () => {
      scores(work, "score", q, k);
      scores(work, "change", dy, v);
      for (let j = 0; j < 4; j++) text.line(`score[${j}] = exp(score[${j}] - whole) * (change[${j}] - level);`);
      beyond(work, k.rows, "score", "vec4f()");
      give(work, "score");
      accumulate(work, "gradient", k);
    });
    put(work, N, d, (value) => value, "gradient", finish);
    return [draft(work, 2 * G * N * k.rows * (2 * d + v.columns))];
  };

/**
 * Gradients to the keys `[G, M, d]` and to the values `[G, M, e]`.
 *
 * @param operands q, k, v, dy, and the second outputs of {@link attentionCore} and {@link queriesGradientCore}
 */
export const keysGradientCore =
  ([queries, keys, values, slopes, sums, levels]: readonly Operand[], half: boolean): Core =>
  ({ node, write, finish }) => {
    const [G, M, d] = shapeOfOperand(keys);
    const text = write();
    const work = begin(text, half, G, M);
    const [q, k, v, dy] = [queries, keys, values, slopes].map((operand) => matrixAt(text, operand));
    const N = q.rows;
    declareSums(work, "forKeys", d);
    declareSums(work, "forValues", v.columns);
    along(work, N, () => {
      scores(work, "score", k, q);
      scores(work, "change", v, dy);
      text.block("for (var j = 0u; j < 4u; j += 1u)", () => {
        text.line("let column = column0 + tx * 4u + j; var weight = vec4f(); var slope = vec4f();");
        text.block(`if (column < ${N}u)`, () => {
          text.line(`let at = stack * ${N}u + column;`);
          text.line(`weight = exp(score[j] - ${text.operand(sums, "at")});`);
          text.line(`slope = weight * (change[j] - ${text.operand(levels, "at")});`);
        });
        text.line("score[j] = weight; change[j] = slope;");
      });
      give(work, "score");
      accumulate(work, "forValues", dy);
      give(work, "change");
      accumulate(work, "forKeys", q);
    });
    put(work, M, d, (value) => value, "forKeys", finish);
    put(
      work,
      M,
      v.columns,
      (value) => value,
      "forValues",
      (text, at, value) => text.write(node, 1, at, value),
    );
    return [draft(work, 4 * G * N * M * (d + v.columns))];
  };
