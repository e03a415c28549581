import type { MatrixUnits } from "./matrix-units.js";
import type { Draft, Finish, KernelText } from "./plan-node.js";
import { dealProduct, innerFirst, type ProductSizes, putNumber, type Side, type Sides } from "./product-sides.js";

/** A workgroup's part of the result: two by two subgroups, each with `fragments` by `fragments` of the units' squares. */
export type UnitsTile = {
  readonly units: MatrixUnits;
  readonly fragments: number;
  readonly rows: number;
  readonly columns: number;
};

/** Numbers between two lines of a tile, so that neighbouring lines begin in other banks; 16 bytes, as loads want it. */
const pad = 8;
const depthOf = ({ K }: MatrixUnits): number => 2 * K;

/** How a tile lies in workgroup memory: as its operand does in the device's, which saves turning it. */
const layoutOf = (side: Side, size: number, depth: number) => {
  const byInner = innerFirst(side);
  const pitch = (byInner ? depth : size) + pad;
  return { byInner, pitch, length: (byInner ? size : depth) * pitch };
};

const bytesFor = ({ units, rows, columns }: UnitsTile): number => {
  const depth = depthOf(units);
  const most = (size: number) => Math.max(size * (depth + pad), depth * (size + pad));
  return 2 * (most(rows) + most(columns)) + 4 * 4 * units.M * units.N;
};

/** The tile for a product; undefined where it is too small to fill one, or a workgroup has too little memory. */
export function unitsTileFor(units: MatrixUnits, { M, N }: ProductSizes): UnitsTile | undefined {
  return [4, 2]
    .map((fragments) => ({ units, fragments, rows: 2 * fragments * units.M, columns: 2 * fragments * units.N }))
    .filter((tile) => bytesFor(tile) <= units.memory)
    .find(({ fragments, rows, columns }) => {
      const least = fragments === 2 ? 0.5 : 0.75;
      return M > least * rows && N > least * columns;
    });
}

/** Loads a tile of one operand, rounded to half precision; neighbouring threads read neighbouring numbers. */
const loadTile = (
  text: KernelText,
  side: Side,
  sizes: { readonly size: number; readonly length: number; readonly first: string; readonly limit?: number },
  { depth, threads }: { readonly depth: number; readonly threads: number },
): void => {
  const { operand, outer, inner, name } = side;
  const { size, length, first, limit } = sizes;
  const { byInner, pitch } = layoutOf(side, size, depth);
  const [total, width] = [size * depth, byInner ? depth : size];
  text.block(`for (var entry = thread; entry < ${total}u; entry += ${threads}u)`, () => {
    text.line(`let line = entry / ${width}u; let column = entry % ${width}u;`);
    text.line(`let o = ${first} + ${byInner ? "line" : "column"}; let k = k0 + ${byInner ? "column" : "line"};`);
    text.line("var number = 0.0f;");
    const inside = [
      ...(limit === undefined ? [] : [`k < ${limit}u`]),
      ...(length % size === 0 ? [] : [`o < ${length}u`]),
    ];
    text.block(inside.length === 0 ? "" : `if (${inside.join(" && ")})`, () => {
      const place = text.once(
        "place",
        "p",
        () => `${name}Base + ${text.address(inner, "k")} + ${text.address(outer, "o")}`,
      );
      text.line(`number = ${text.read(operand.node, operand.output, place)};`);
    });
    text.line(`${name}Tile[line * ${pitch}u + column] = toHalf(number);`);
  });
};

const extension = "chromium_experimental_subgroup_matrix";

/** Says that a kernel makes use of matrix units. */
export const enableUnits = (text: KernelText): void => {
  for (const name of ["f16", "subgroups", extension]) text.directive(`enable ${name}`);
  // Which square a subgroup has comes from its threads' numbers: the same in all of them, which no compiler can see.
  text.directive("diagnostic(off, chromium.subgroup_matrix_uniformity)");
};

/** Whether it said so. */
export const usesUnits = (text: KernelText): boolean => text.directives().includes(extension);

/**
 * A stack of products on matrix units: tiles pass through workgroup memory in half precision, each subgroup multiplies
 * its squares of them, and the sums pass through workgroup memory once more, where `finish` finds them.
 *
 * @param pieces into how many the sum is cut, each of which is written for itself
 */
export function writeUnitsProduct(
  text: KernelText,
  [a, b]: Sides,
  sizes: ProductSizes,
  { units, fragments, rows, columns }: UnitsTile,
  pieces: number,
  finish: Finish,
): Draft {
  const depth = depthOf(units);
  const threads = 4 * units.subgroup;
  const square = units.M * units.N;
  const [atA, atB] = [layoutOf(a, rows, depth), layoutOf(b, columns, depth)];
  text.need("toHalf");
  enableUnits(text);
  text.shared.push(`var<workgroup> aTile: array<f16, ${atA.length}>;`);
  text.shared.push(`var<workgroup> bTile: array<f16, ${atB.length}>;`);
  text.shared.push(`var<workgroup> squares: array<f32, ${4 * square}>;`);
  const { rounds, limit, ...dealt } = dealProduct(text, [a, b], sizes, { rows, columns, depth, pieces });
  text.line(`let subgroup = thread / ${units.subgroup}u; let lane = thread % ${units.subgroup}u;`);
  text.line(`let sy = (subgroup / 2u) * ${fragments * units.M}u; let sx = (subgroup % 2u) * ${fragments * units.N}u;`);
  const all = Array.from({ length: fragments }, (_, index) => index);
  for (const i of all) {
    for (const j of all) text.line(`var c${i * fragments + j}: subgroup_matrix_result<f32, ${units.N}, ${units.M}>;`);
  }
  text.block(`for (var round = 0u; round < ${rounds}u; round += 1u)`, () => {
    text.line(`let k0 = kStart + round * ${depth}u;`);
    loadTile(text, a, { size: rows, length: sizes.M, first: "m0", limit }, { depth, threads });
    loadTile(text, b, { size: columns, length: sizes.N, first: "n0", limit }, { depth, threads });
    text.line("workgroupBarrier();");
    for (let k = 0; k < depth; k += units.K) {
      text.block("", () => {
        const load = (name: "a" | "b", index: number, type: string, outer: string, at: typeof atA) => {
          // A tile of a in order of its inner axis is row by row; one of b column by column.
          const order = at.byInner === (name === "a") ? "row_major" : "col_major";
          const place = at.byInner ? `(${outer}) * ${at.pitch}u + ${k}u` : `${k * at.pitch}u + ${outer}`;
          text.line(
            `let ${name}${index} = subgroupMatrixLoad<${type}, ${order}>(&${name}Tile, ${place}, ${at.pitch}u);`,
          );
        };
        for (const i of all)
          load("a", i, `subgroup_matrix_left<f16, ${units.K}, ${units.M}>`, `sy + ${i * units.M}u`, atA);
        for (const j of all)
          load("b", j, `subgroup_matrix_right<f16, ${units.N}, ${units.K}>`, `sx + ${j * units.N}u`, atB);
        for (const i of all) {
          for (const j of all) {
            const c = `c${i * fragments + j}`;
            text.line(`${c} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, ${c});`);
          }
        }
      });
    }
    text.line("workgroupBarrier();");
  });
  // One square of each subgroup at a time: what follows the product is then written once.
  text.block(`for (var piece = 0u; piece < ${fragments ** 2}u; piece += 1u)`, () => {
    text.block("switch piece", () => {
      for (let c = 0; c < fragments ** 2; c++) {
        const label = c === fragments ** 2 - 1 ? "default" : `case ${c}u`;
        text.line(`${label}: { subgroupMatrixStore<row_major>(&squares, subgroup * ${square}u, c${c}, ${units.N}u); }`);
      }
    });
    text.line("workgroupBarrier();");
    text.block(`for (var inside = lane; inside < ${square}u; inside += ${units.subgroup}u)`, () => {
      text.line(`let m = m0 + sy + (piece / ${fragments}u) * ${units.M}u + inside / ${units.N}u;`);
      text.line(`let n = n0 + sx + (piece % ${fragments}u) * ${units.N}u + inside % ${units.N}u;`);
      putNumber(text, sizes, pieces, `squares[subgroup * ${square}u + inside]`, finish);
    });
    text.line("workgroupBarrier();");
  });
  return { text, workgroupSize: threads, ...dealt };
}

/** Into how many pieces a sum is cut, so that a large card has some workgroups for each of its processors. */
export const unitsPieces = ({ rows, columns }: UnitsTile, { M, N, K, batches }: ProductSizes): number => {
  const tiles = Math.ceil(M / rows) * Math.ceil(N / columns) * batches;
  return Math.max(1, Math.min(Math.floor(768 / tiles), Math.floor(K / 512), 32));
};
