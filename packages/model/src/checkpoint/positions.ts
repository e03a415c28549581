import { countPatches, type FloatTensor, type HostTensor, type PatchGrid } from "@kdc-mae/core";
import type { ModelConfig } from "../config.js";
import { sineCosinePositions } from "../nn/positions.js";
import { interpolatePositions, trimPositions } from "./fit-positions.js";

/** What to do with stored positions of another clip length or picture size. */
export type FitPositions = "trim" | "interpolate";

/** A position table that could be used, or why it could not; and what the caller should tell. */
export type Fitted = { readonly table?: FloatTensor; readonly problem?: string; readonly note?: string };

/** The grid a stored table was made for, where its size says so: spectrograms keep their rows, pictures are square. */
function storedGrid(name: string, N: number, grid: PatchGrid): PatchGrid | undefined {
  if (N === countPatches(grid)) return grid;
  const rows = name.endsWith("_a") ? grid.rows : Math.round(Math.sqrt(N));
  const columns = N / rows;
  if (!Number.isInteger(columns) || (name.endsWith("_v") && rows !== columns)) return undefined;
  return { ...grid, rows, columns };
}

/**
 * By how much a value of at most 1 may have been rounded where a file was saved in half precision, which is seen by the
 * low bits of all its values: 16 are empty in bfloat16 (8 bits of precision), 13 in float16 (11 bits).
 */
function roundingOf({ data }: FloatTensor): number {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  if (bits.every((value) => (value & 0xffff) === 0)) return 2 ** -9;
  return bits.every((value) => (value & 0x1fff) === 0) ? 2 ** -12 : 0;
}

/** True for a table `[1, N, D]` that is the fixed one of its grid, but for rounding. */
export const isSineCosine = (table: FloatTensor, grid: PatchGrid): boolean => {
  const expected = sineCosinePositions(grid, table.shape[2]).data;
  const most = 1e-4 + roundingOf(table);
  return table.data.every((value, index) => Math.abs(value - expected[index]) < most);
};

const extent = ({ rows, columns }: PatchGrid): string => `${rows} × ${columns}`;

/** A fixed table is not kept: it is checked, and made again at the model's own size. */
function fitFixed(name: string, stored: FloatTensor, from: PatchGrid, to: PatchGrid, how: FitPositions): Fitted {
  if (!isSineCosine(stored, from)) {
    return { problem: `${name} was trained, which a model with fixed positions would lose (set positions: "learned")` };
  }
  if (countPatches(from) === countPatches(to)) return {};
  if (how === "interpolate") {
    return {
      problem: `${name} would be interpolated, which a model with fixed positions cannot keep (set positions: "learned")`,
    };
  }
  const verb = to.rows <= from.rows && to.columns <= from.columns ? "trimmed" : "continued";
  return { note: `${name}: fixed positions ${verb} from ${extent(from)} to ${extent(to)}` };
}

function fitLearned(name: string, stored: FloatTensor, from: PatchGrid, to: PatchGrid, how: FitPositions): Fitted {
  if (countPatches(from) === countPatches(to)) return { table: stored };
  const change = `from ${extent(from)} to ${extent(to)}`;
  if (how === "interpolate") {
    return { table: interpolatePositions(stored, from, to), note: `${name}: positions interpolated ${change}` };
  }
  if (to.rows <= from.rows && to.columns <= from.columns) {
    return { table: trimPositions(stored, from, to), note: `${name}: positions trimmed ${change}` };
  }
  return {
    table: interpolatePositions(stored, from, to),
    note: `${name}: positions interpolated ${change}, because there are too few to trim`,
  };
}

/** Fits a stored table of positions to the model's own grid. */
export function fitPositions(
  config: ModelConfig,
  name: string,
  stored: HostTensor,
  dim: number,
  how: FitPositions,
): Fitted {
  const to = name.endsWith("_a") ? config.audio : config.visual;
  const [one, N, D] = stored.shape;
  const from = storedGrid(name, N, to);
  if (stored.dtype !== "float32" || stored.shape.length !== 3 || one !== 1 || D !== dim || from === undefined) {
    const wanted = `[1, ${countPatches(to)}, ${dim}]`;
    return { problem: `${name} is ${stored.dtype} [${stored.shape.join(", ")}], expected float32 ${wanted}` };
  }
  return (config.positions === "fixed" ? fitFixed : fitLearned)(name, stored, from, to, how);
}
