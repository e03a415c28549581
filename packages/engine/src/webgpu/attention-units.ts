import { element, type StackedRows } from "./attention-tiles.js";
import { enableUnits } from "./kernel-matrix-units.js";
import { shapeOfOperand } from "./lowering.js";
import type { MatrixUnits } from "./matrix-units.js";
import type { Draft, Finish, KernelText, Operand } from "./plan-node.js";

/**
 * Attention's tiles on matrix units: a workgroup has four strips of rows, a subgroup each, and goes along the other side
 * 32 at a time. Scores pass through workgroup memory, where a thread has some of a row; what is multiplied again goes back
 * there in half precision.
 */
const strips = 4;
export const across = 32;
/** Numbers between two lines of a tile, so that neighbouring lines begin in other banks; 16 bytes, as loads want it. */
const [padOfHalves, padOfSums] = [8, 4];
const pitchOfSums = across + padOfSums;
const pitchOfWeights = across + padOfHalves;
const widths: readonly number[] = [32, 64];

const rowsOf = ({ M }: MatrixUnits): number => strips * M;
const tileLength = (rows: number, columns: number): number => rows * (columns + padOfHalves);

/** Bytes of the gradient to keys and values, which holds the most: two tiles on either side. */
const bytesFor = (units: MatrixUnits, d: number, e: number): number => {
  const rows = rowsOf(units);
  const tiles = [rows, across].map((lines) => tileLength(lines, d) + tileLength(lines, e));
  const words = rows * pitchOfSums + 2 * across;
  return 2 * (tiles[0] + tiles[1] + rows * pitchOfWeights) + 4 * words + 8 * strips * units.subgroup;
};

/** Whether they can make attention of q `[G, N, d]`, k `[G, M, d]`, v `[G, M, e]`, and rows enough to fill a tile. */
export function unitsTake(units: MatrixUnits, [queries, keys, values]: readonly Operand[]): boolean {
  const [, N, d] = shapeOfOperand(queries);
  const [, length, e] = shapeOfOperand(values);
  if (shapeOfOperand(keys)[2] !== d || ![d, e].every((width) => widths.includes(width))) return false;
  const shares = units.subgroup / units.M;
  const fits = [across % units.N, across % units.K, units.subgroup % units.M, across % shares].every(
    (rest) => rest === 0,
  );
  return fits && Math.min(N, length) > rowsOf(units) / 2 && bytesFor(units, d, e) <= units.memory;
}

/** Rows of an operand in workgroup memory, in half precision, line by line. */
type Tile = { readonly name: string; readonly rows: number; readonly columns: number; readonly pitch: number };

/** What the three kernels share. */
export type UnitsWork = {
  readonly text: KernelText;
  readonly units: MatrixUnits;
  readonly rows: number;
  readonly threads: number;
  /** Threads that share a row. */
  readonly shares: number;
  readonly workgroups: number;
};

/** Says whose rows this workgroup has (`stack`, `row0`), and this thread: `own` here, `mine` of all, its `part` of them. */
export const beginUnits = (text: KernelText, units: MatrixUnits, stacks: number, length: number): UnitsWork => {
  const rows = rowsOf(units);
  const [tiles, threads, shares] = [Math.ceil(length / rows), strips * units.subgroup, units.subgroup / units.M];
  text.need("toHalf");
  enableUnits(text);
  text.shared.push(`var<workgroup> squares: array<f32, ${rows * pitchOfSums}>;`);
  text.shared.push(`var<workgroup> weights: array<f16, ${rows * pitchOfWeights}>;`);
  if (shares > 1) text.shared.push(`var<workgroup> parts: array<vec2f, ${threads}>;`);
  text.line("let group = groupOf(group3);");
  text.line(`let row0 = (group % ${tiles}u) * ${rows}u; let stack = min(group / ${tiles}u, ${stacks - 1}u);`);
  text.line(`let lane = thread % ${units.subgroup}u; let strip = (thread / ${units.subgroup}u) * ${units.M}u;`);
  text.line(`let part = lane % ${shares}u; let own = strip + lane / ${shares}u; let mine = row0 + own;`);
  text.line(`let sumsAt = own * ${pitchOfSums}u + part; let weightsAt = own * ${pitchOfWeights}u + part;`);
  return { text, units, rows, threads, shares, workgroups: stacks * tiles };
};

/** Brings rows of a matrix into workgroup memory; zeros beyond the last. */
const stage = ({ text, threads }: UnitsWork, matrix: StackedRows, first: string, tile: Tile): void =>
  text.block(`for (var entry = thread; entry < ${tile.rows * tile.columns}u; entry += ${threads}u)`, () => {
    text.line(`let line = entry / ${tile.columns}u; let channel = entry % ${tile.columns}u;`);
    text.line(`let source = ${first} + line; var number = 0.0f;`);
    text.block(matrix.rows % tile.rows === 0 ? "" : `if (source < ${matrix.rows}u)`, () => {
      const value = element(text, matrix, "source", "channel");
      text.line(`number = ${value};`);
    });
    text.line(`${tile.name}[line * ${tile.pitch}u + channel] = toHalf(number);`);
  });

const declareTile = ({ text }: UnitsWork, name: string, rows: number, columns: number): Tile => {
  text.shared.push(`var<workgroup> ${name}: array<f16, ${tileLength(rows, columns)}>;`);
  return { name, rows, columns, pitch: columns + padOfHalves };
};

/** This subgroup's rows of a matrix as the units take them, for the whole kernel. */
export const ownRows = (work: UnitsWork, name: string, matrix: StackedRows): readonly string[] => {
  const { text, units } = work;
  const tile = declareTile(work, name, work.rows, matrix.columns);
  stage(work, matrix, "row0", tile);
  text.line("workgroupBarrier();");
  return Array.from({ length: matrix.columns / units.K }, (_, index) =>
    loadLeft(work, name, `strip * ${tile.pitch}u + ${index * units.K}u`, tile.pitch),
  );
};

const loadLeft = ({ text, units: { K, M } }: UnitsWork, from: string, at: string, pitch: number): string => {
  const name = text.fresh("left");
  text.line(
    `let ${name} = subgroupMatrixLoad<subgroup_matrix_left<f16, ${K}, ${M}>, row_major>(&${from}, ${at}, ${pitch}u);`,
  );
  return name;
};

const loadRight = ({ text, units }: UnitsWork, from: Tile, at: string, order: "row_major" | "col_major"): string => {
  const name = text.fresh("right");
  const type = `subgroup_matrix_right<f16, ${units.N}, ${units.K}>`;
  text.line(`let ${name} = subgroupMatrixLoad<${type}, ${order}>(&${from.name}, ${at}, ${from.pitch}u);`);
  return name;
};

/** Declares a strip of sums, all zero, this wide. */
export const declareStrip = ({ text, units }: UnitsWork, columns: number): readonly string[] =>
  Array.from({ length: columns / units.N }, () => {
    const name = text.fresh("sums");
    // Zeros in words: within a loop a driver may leave what it held.
    text.line(`var ${name} = subgroup_matrix_result<f32, ${units.N}, ${units.M}>();`);
    return name;
  });

/** Puts sums of this strip from a column on where all threads find them. */
const storeSums = ({ text }: UnitsWork, sums: string, column: string): void =>
  text.line(`subgroupMatrixStore<row_major>(&squares, strip * ${pitchOfSums}u + ${column}, ${sums}, ${pitchOfSums}u);`);

/** The other side's tiles, filled with each round's rows from `column0` on. */
export const declareOther = (work: UnitsWork, name: string, matrix: StackedRows) => {
  const { text, units } = work;
  const tile = declareTile(work, name, across, matrix.columns);
  return {
    stage: () => stage(work, matrix, "column0", tile),
    /** This strip's rows · the tile's, turned, into `squares`. */
    scores: (own: readonly string[]): void =>
      text.block(`for (var first = 0u; first < ${across}u; first += ${units.N}u)`, () => {
        const [sums] = declareStrip(work, units.N);
        for (const [k, left] of own.entries()) {
          const right = loadRight(work, tile, `first * ${tile.pitch}u + ${k * units.K}u`, "col_major");
          text.line(`${sums} = subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sums});`);
        }
        storeSums(work, sums, "first");
      }),
    /** Adds `weights` · the tile to a strip. */
    accumulate: (strip: readonly string[]): void =>
      text.block(`for (var first = 0u; first < ${across}u; first += ${units.K}u)`, () => {
        const left = loadLeft(work, "weights", `strip * ${pitchOfWeights}u + first`, pitchOfWeights);
        for (const [j, sums] of strip.entries()) {
          const right = loadRight(work, tile, `first * ${tile.pitch}u + ${j * units.N}u`, "row_major");
          text.line(`${sums} = subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sums});`);
        }
      }),
  };
};

export const alongUnits = ({ text }: UnitsWork, length: number, body: () => void): void =>
  text.block(`for (var column0 = 0u; column0 < ${length}u; column0 += ${across}u)`, body);

export const barrier = ({ text }: UnitsWork): void => text.line("workgroupBarrier();");

/** One of this thread's scores. */
type Score = {
  /** Which of this thread's. */
  readonly index: number;
  /** In `squares`. */
  readonly value: string;
  /** Its column of this round's. */
  readonly column: string;
  /** `value`, or `otherwise` beyond the last column. */
  readonly within: (value: string, otherwise: string) => string;
  /** Puts what is multiplied next in its place. */
  readonly give: (value: string) => void;
};

/** This thread's scores of its row, each in words of its own, so that what is made of one may stay in a register. */
export const eachScore = ({ text, shares }: UnitsWork, length: number, body: (score: Score) => void): void => {
  for (let index = 0; index < across / shares; index++) {
    const column = `part + ${index * shares}u`;
    body({
      index,
      column,
      value: `squares[sumsAt + ${index * shares}u]`,
      within: (value, otherwise) =>
        length % across === 0 ? value : `select(${otherwise}, ${value}, column0 + ${column} < ${length}u)`,
      give: (value) => text.line(`weights[weightsAt + ${index * shares}u] = toHalf(${value});`),
    });
  }
};

/** Lets every thread of a row see what each has of it, a vec2f. */
export const ofRow = ({ text, shares }: UnitsWork, value: string, how: (parts: readonly string[]) => void): void => {
  if (shares === 1) {
    text.line(`let whole = ${value};`);
    how(["whole"]);
    return;
  }
  text.line(`parts[thread] = ${value}; workgroupBarrier();`);
  how(Array.from({ length: shares }, (_, index) => `parts[thread - part + ${index}u]`));
};

/** Writes a number of every row. */
export const putOfRow = (work: UnitsWork, length: number, write: (at: string) => void): void =>
  work.text.block(`if (part == 0u && mine < ${length}u && group < ${work.workgroups}u)`, () =>
    write(`stack * ${length}u + mine`),
  );

/** A strip of every subgroup to memory, 32 columns at a time: what follows is then written once. */
export const putStrips = (
  work: UnitsWork,
  length: number,
  columns: number,
  strip: readonly string[],
  value: (sum: string, row: string) => string,
  store: Finish,
): void => {
  const { text, units, rows, threads, workgroups } = work;
  const pieces = columns / across;
  const each = across / units.N;
  text.block(`for (var piece = 0u; piece < ${pieces}u; piece += 1u)`, () => {
    text.block("switch piece", () => {
      for (let piece = 0; piece < pieces; piece++) {
        text.block(piece === pieces - 1 ? "default:" : `case ${piece}u:`, () => {
          for (let j = 0; j < each; j++) storeSums(work, strip[piece * each + j], `${j * units.N}u`);
        });
      }
    });
    barrier(work);
    text.block(`for (var entry = thread; entry < ${rows * across}u; entry += ${threads}u)`, () => {
      text.line(`let line = entry / ${across}u; let inside = entry % ${across}u; let row = row0 + line;`);
      text.block(`if (row < ${length}u && group < ${workgroups}u)`, () => {
        text.line(`let at = (stack * ${length}u + row) * ${columns}u + piece * ${across}u + inside;`);
        text.line(`let value = ${value(`squares[line * ${pitchOfSums}u + inside]`, "line")};`);
        store(text, "at", "value");
      });
    });
    barrier(work);
  });
};

export const draftUnits = ({ text, threads, workgroups }: UnitsWork, flops: number): Draft => ({
  text,
  workgroupSize: threads,
  workgroups,
  flops,
});
