import { unitsPieces, unitsTileFor, writeUnitsProduct } from "./kernel-matrix-units.js";
import { combinations, combineParts } from "./kernel-reduce.js";
import type { MatrixUnits } from "./matrix-units.js";
import type { Core, Draft, Finish, KernelText } from "./plan-node.js";
import {
  dealProduct,
  innerFirst,
  type Product,
  type ProductSizes,
  putNumber,
  type Side,
  type Sides,
  sidesOf,
} from "./product-sides.js";

/** `rows` × `columns` numbers of the result are one workgroup's, each thread has squares of `own`. */
type Tile = { readonly rows: number; readonly columns: number; readonly own: 4 | 8 };

const depth = 16;

const tileFor = (M: number, N: number): Tile => {
  const least = Math.min(M, N);
  if (least > 96) return { rows: 128, columns: 128, own: 8 };
  return least > 32 ? { rows: 64, columns: 64, own: 4 } : { rows: 32, columns: 32, own: 4 };
};

/** Loads a tile of one side, four neighbours of the result's axis at a time, into workgroup memory `[depth][size / 4]`. */
const loadTile = (
  text: KernelText,
  side: Side,
  {
    size,
    length,
    threads,
    first,
    limit,
    half,
  }: {
    readonly size: number;
    readonly length: number;
    readonly threads: number;
    readonly first: string;
    /** Where the sum ends, if tiles reach beyond it. */
    readonly limit?: number;
    readonly half: boolean;
  },
): void => {
  const { operand, outer, inner, name } = side;
  const quads = size / 4;
  if (half) text.need("half");
  text.block(`for (var round = 0u; round < ${(quads * depth) / threads}u; round += 1u)`, () => {
    text.line(`let entry = thread + round * ${threads}u;`);
    const [k, q] = innerFirst(side)
      ? [`entry % ${depth}u`, `entry / ${depth}u`]
      : [`entry / ${quads}u`, `entry % ${quads}u`];
    text.line(`let kk = ${k}; let q = ${q}; let k = k0 + kk;`);
    text.line("var quad = vec4f();");
    text.block(limit === undefined ? "" : `if (k < ${limit}u)`, () => {
      const along = text.once("inner", "p", () => `${name}Base + ${text.address(inner, "k")}`);
      text.block("for (var lane = 0u; lane < 4u; lane += 1u)", () => {
        text.line(`let o = ${first} + q * 4u + lane;`);
        text.block(length % size === 0 ? "" : `if (o < ${length}u)`, () => {
          const place = text.once("place", "p", () => `${along} + ${text.address(outer, "o")}`);
          const value = text.read(operand.node, operand.output, place);
          text.line(`quad[lane] = ${half ? `halfOf(${value})` : value};`);
        });
      });
    });
    text.line(`${name}Tile[kk * ${quads}u + q] = quad;`);
  });
};

const writeProduct = (
  text: KernelText,
  [a, b]: Sides,
  sizes: ProductSizes,
  pieces: number,
  half: boolean,
  finish: Finish,
): Draft => {
  const { rows, columns, own } = tileFor(sizes.M, sizes.N);
  const [across, down] = [columns / own, rows / own];
  const threads = across * down;
  text.shared.push(`var<workgroup> aTile: array<vec4f, ${(depth * rows) / 4}>;`);
  text.shared.push(`var<workgroup> bTile: array<vec4f, ${(depth * columns) / 4}>;`);
  const { rounds, limit, ...dealt } = dealProduct(text, [a, b], sizes, { rows, columns, depth, pieces });
  const quads = own / 4;
  text.line(`let tx = thread % ${across}u; let ty = thread / ${across}u;`);
  text.line(`var sums: array<array<vec4f, ${quads}>, ${own}>;`);
  text.block(`for (var round = 0u; round < ${rounds}u; round += 1u)`, () => {
    text.line(`let k0 = kStart + round * ${depth}u;`);
    loadTile(text, a, { size: rows, length: sizes.M, threads, first: "m0", limit, half });
    loadTile(text, b, { size: columns, length: sizes.N, threads, first: "n0", limit, half });
    text.line("workgroupBarrier();");
    text.block(`for (var kk = 0u; kk < ${depth}u; kk += 1u)`, () => {
      for (let l = 0; l < quads; l++) {
        text.line(`let b${l} = bTile[kk * ${columns / 4}u + tx + ${l * across}u];`);
        text.line(`let a${l} = aTile[kk * ${rows / 4}u + ty + ${l * down}u];`);
      }
      for (let i = 0; i < own; i++) {
        const one = `vec4f(a${Math.floor(i / 4)}.${"xyzw"[i % 4]})`;
        for (let j = 0; j < quads; j++) text.line(`sums[${i}][${j}] = fma(${one}, b${j}, sums[${i}][${j}]);`);
      }
    });
    text.line("workgroupBarrier();");
  });
  text.block(`for (var i = 0u; i < ${own}u; i += 1u)`, () => {
    text.line(`let m = m0 + (ty + (i / 4u) * ${down}u) * 4u + i % 4u;`);
    text.block(`for (var j = 0u; j < ${own}u; j += 1u)`, () => {
      text.line(`let n = n0 + (tx + (j / 4u) * ${across}u) * 4u + j % 4u;`);
      putNumber(text, sizes, pieces, "sums[i][j / 4u][j % 4u]", finish);
    });
  });
  return { text, workgroupSize: threads, ...dealt };
};

const piecesFor = ({ M, N, K, batches }: ProductSizes): number => {
  const { rows, columns } = tileFor(M, N);
  const tiles = Math.ceil(M / rows) * Math.ceil(N / columns) * batches;
  return tiles >= 64 || K < 512 ? 1 : Math.max(1, Math.min(Math.floor(128 / tiles), Math.floor(K / 256), 32));
};

/**
 * A stack of matrix products, sums in float32. Where the result is small and the sum long, pieces of the sum are made
 * side by side.
 *
 * @param half rounds the operands to half precision first
 * @param units matrix units that take what is rounded, where it is large enough for them; none unless `half`
 */
export function productCore(product: Product, half: boolean, units?: MatrixUnits): Core {
  const { sides, sizes } = sidesOf(product);
  const tile = units !== undefined ? unitsTileFor(units, sizes) : undefined;
  const pieces = tile === undefined ? piecesFor(sizes) : unitsPieces(tile, sizes);
  const draft = (text: KernelText, finish: Finish): Draft =>
    tile === undefined
      ? writeProduct(text, sides, sizes, pieces, half, finish)
      : writeUnitsProduct(text, sides, sizes, tile, pieces, finish);
  return ({ write, finish, scratch }) => {
    if (pieces === 1) return [draft(write(), finish)];
    const count = sizes.batches * sizes.M * sizes.N;
    const parts = scratch(count * pieces, "f32");
    const first = draft(write(), (text, at, value) => text.write(parts, 0, at, value));
    return [first, combineParts(write(), parts, count, pieces, combinations.sum, finish)];
  };
}
