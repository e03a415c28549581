const lanes = 8;
const columns = 4 * lanes;
/** Rows that are added up before they join the total. */
export const rowsAtOnce = 16;

/**
 * Mean of `length` numbers in float32, added in the order of PyTorch's CPU kernel (`cascade_sum` of SumKernel.cpp with
 * vectors of eight): 32 columns side by side, sixteen rows at a time, then the columns in four groups of eight, then
 * what was left over and those eight one after the other. Exactly that order for up to 8,191 numbers.
 */
export function frameMean(values: Float32Array, start: number, length: number): number {
  total.fill(0);
  const rows = Math.floor(length / columns);
  for (let row = 0; row < rows; ) {
    const end = Math.min(rows, row + rowsAtOnce);
    block.fill(0);
    for (; row < end; row++) {
      const at = start + row * columns;
      for (let column = 0; column < columns; column++) block[column] += values[at + column];
    }
    for (let column = 0; column < columns; column++) total[column] += block[column];
  }
  let at = rows * columns;
  for (; at + lanes <= length; at += lanes) {
    for (let lane = 0; lane < lanes; lane++) total[lane] += values[start + at + lane];
  }
  for (let column = lanes; column < columns; column++) total[column % lanes] += total[column];
  let sum = 0;
  for (; at < length; at++) sum = Math.fround(sum + values[start + at]);
  for (let lane = 0; lane < lanes; lane++) sum = Math.fround(sum + total[lane]);
  return Math.fround(sum / length);
}

const total = new Float32Array(columns);
const block = new Float32Array(columns);

/**
 * A sound without its mean, each sample rounded to float32. The sum of 16-bit samples is a whole number of steps, so
 * that float32 holds it exactly in any order unless the sound is far off centre.
 */
export function withoutMean(samples: Float32Array): Float32Array {
  let sum = 0;
  for (let n = 0; n < samples.length; n++) sum += samples[n];
  const mean = Math.fround(Math.fround(sum) / samples.length);
  const out = new Float32Array(samples.length);
  for (let n = 0; n < samples.length; n++) out[n] = samples[n] - mean;
  return out;
}
