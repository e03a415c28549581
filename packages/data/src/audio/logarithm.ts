const tableBits = 9;
const shift = 20 - tableBits;
const table = Float64Array.from({ length: 2 ** tableBits }, (_, index) => Math.log1p((index + 0.5) / 2 ** tableBits));
const inverse = Float64Array.from({ length: 2 ** tableBits }, (_, index) => 1 / (1 + (index + 0.5) / 2 ** tableBits));

const value = new Float64Array(1);
const words = new Uint32Array(value.buffer);
/** Which of the two words holds sign, exponent and the first 20 bits of the fraction. */
const high = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/**
 * Natural logarithm of a positive, normal number to 2e-10, about three times as fast as `Math.log`: the exponent times
 * ln 2, a table of the first bits of the fraction, and three terms of a series for the rest.
 */
export function logarithm(x: number): number {
  value[0] = x;
  const top = words[high];
  const index = (top >>> shift) & (2 ** tableBits - 1);
  words[high] = (top & 0xfffff) | 0x3ff00000;
  const rest = value[0] * inverse[index] - 1;
  return ((top >>> 20) - 1023) * Math.LN2 + table[index] + rest * (1 - rest * (0.5 - rest * (1 / 3)));
}
