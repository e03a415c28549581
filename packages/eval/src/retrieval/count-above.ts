import {
  advance,
  type Code,
  countDown,
  equalTo,
  fourZeros,
  get,
  greaterThan,
  load,
  set,
  spread,
  startWasm,
  store,
  subInt,
  wasmModule,
} from "@kdc-mae/core/wasm";

/**
 * Counts, for a block of cosines, how many cells of a row lie above the row's right answer and how many equal it, and
 * the same for columns. Everything lies in one memory, so that WebAssembly can do it without copies.
 */
export type CountAbove = {
  readonly name: "wasm-simd" | "array";
  /** The block, row after row, `width` numbers each. */
  readonly values: Float32Array;
  /** The right answer of each row. */
  readonly rights: Float32Array;
  /** For four columns at a time: their right answers, in whole numbers those above, those equal. */
  readonly columns: { readonly rights: Float32Array; readonly counts: Int32Array };
  /** For each row four counts of those above and four of those equal, to be added up. */
  readonly rows: Int32Array;
  /** @param width a multiple of four */
  run(rows: number, width: number): void;
};

/** Makes one for blocks of up to `rows` × `width`, or says that it cannot here. */
export type CountMaker = (rows: number, width: number) => CountAbove | undefined;

/** Numbers that four columns take, and that one row's counts take. */
export const fourColumns = 12;
export const oneRow = 8;
/** Where a column's right answer stands; its counts stand four and eight behind. */
export const columnPlace = (column: number): number => (column >> 2) * fourColumns + (column & 3);

/** Where each part begins, in numbers, in one memory for blocks of up to `rows` × `width`. */
function placesFor(rows: number, width: number) {
  const columns = Math.ceil(rows / 4) * 4;
  const counts = columns + (width / 4) * fourColumns;
  const values = counts + rows * oneRow;
  return { rights: 0, columns, rows: counts, values, end: values + rows * width };
}

function partsOf(memory: ArrayBuffer, places: ReturnType<typeof placesFor>) {
  const [floats, ints] = [new Float32Array(memory), new Int32Array(memory)];
  return {
    values: floats.subarray(places.values, places.end),
    rights: floats.subarray(places.rights, places.columns),
    columns: {
      rights: floats.subarray(places.columns, places.rows),
      counts: ints.subarray(places.columns, places.rows),
    },
    rows: ints.subarray(places.rows, places.values),
  };
}

// Locals: six parameters, two whole numbers, then five vectors.
const [valuesAt, rightsAt, rowsAt, columnsAt, rowsLeft, quads] = [0, 1, 2, 3, 4, 5];
const [columnAt, quadsLeft] = [6, 7];
const [right, cells, others, above, equal] = [8, 9, 10, 11, 12];
/** A comparison is −1 in the lanes where it holds. */
const countIn = (sum: number, comparison: Code): Code => set(sum, subInt(get(sum), comparison));
const countAt = (offset: number, comparison: Code): Code =>
  store(get(columnAt), offset, subInt(load(get(columnAt), offset), comparison));

const fourCells: Code = [
  ...[...set(cells, load(get(valuesAt))), ...set(others, load(get(columnAt)))],
  ...countIn(above, greaterThan(get(cells), get(right))),
  ...countIn(equal, equalTo(get(cells), get(right))),
  ...countAt(16, greaterThan(get(cells), get(others))),
  ...countAt(32, equalTo(get(cells), get(others))),
  ...[...advance(valuesAt, 16), ...advance(columnAt, 4 * fourColumns)],
];
const row: Code = [
  ...[...set(right, spread(get(rightsAt))), ...set(above, fourZeros), ...set(equal, fourZeros)],
  ...[...set(columnAt, get(columnsAt)), ...set(quadsLeft, get(quads)), ...countDown(quadsLeft, fourCells)],
  ...[...store(get(rowsAt), 0, get(above)), ...store(get(rowsAt), 16, get(equal))],
  ...[...advance(rowsAt, 4 * oneRow), ...advance(rightsAt, 4)],
];
const program = wasmModule({ parameters: 6, ints: 2, vectors: 5 }, countDown(rowsLeft, row));

/** {@link CountAbove} as 128-bit WebAssembly; undefined where there is none. */
export function wasmCount(rows: number, width: number): CountAbove | undefined {
  const places = placesFor(rows, width);
  const started = startWasm(program, 4 * places.end);
  return (
    started && {
      name: "wasm-simd",
      ...partsOf(started.memory, places),
      run: (count, wide) =>
        started.run(4 * places.values, 4 * places.rights, 4 * places.rows, 4 * places.columns, count, wide / 4),
    }
  );
}

/** {@link CountAbove} in plain typed arrays. */
export function arrayCount(rows: number, width: number): CountAbove {
  const places = placesFor(rows, width);
  const parts = partsOf(new ArrayBuffer(4 * places.end), places);
  const { values, rights, columns } = parts;
  return {
    name: "array",
    ...parts,
    run(count, wide) {
      for (let i = 0; i < count; i++) {
        let [above, equal] = [0, 0];
        for (let j = 0; j < wide; j++) {
          const place = columnPlace(j);
          const [value, other] = [values[i * wide + j], columns.rights[place]];
          if (value > rights[i]) above++;
          else if (value === rights[i]) equal++;
          if (value > other) columns.counts[place + 4]++;
          else if (value === other) columns.counts[place + 8]++;
        }
        parts.rows.fill(0, i * oneRow, (i + 1) * oneRow);
        parts.rows[i * oneRow] = above;
        parts.rows[i * oneRow + 4] = equal;
      }
    },
  };
}
