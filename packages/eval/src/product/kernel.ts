/** Rows of the left matrix in one panel. */
export const leftPanel = 4;
/** Rows of the right matrix in one panel. */
export const rightPanel = 8;

/**
 * Products of rows with rows, working inside one block of memory so that WebAssembly can do it without copies.
 * `tile` reads `leftPanels` panels at `left` laid out `[panel][D][4]`, `rightPanels` at `right` laid out
 * `[panel][D][8]`, and writes the products row-major at `out`, `[leftPanels·4, rightPanels·8]`. Offsets count floats.
 * Every product is summed in the order 0 … D−1, so that equal vectors have equal products wherever they stand.
 */
export type Kernel = {
  readonly name: "wasm-simd" | "array";
  readonly space: Float32Array;
  tile(left: number, right: number, out: number, leftPanels: number, rightPanels: number, depth: number): void;
};

/** Makes a kernel with at least `floats` float32 numbers of memory, or says that it cannot here. */
export type KernelMaker = (floats: number) => Kernel | undefined;
