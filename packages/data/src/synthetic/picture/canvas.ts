/** A square RGB picture under the brush: `pixels` runs [size, size, 3], 0–255; what is written is rounded and clamped. */
export type Canvas = { readonly size: number; readonly pixels: Uint8ClampedArray };

/** A black canvas of `size` × `size` pixels. */
export const createCanvas = (size: number): Canvas => ({ size, pixels: new Uint8ClampedArray(size * size * 3) });

/** A second canvas with the same picture. */
export const copyCanvas = ({ size, pixels }: Canvas): Canvas => ({ size, pixels: pixels.slice() });

/** The picture as plain bytes `[size, size, 3]`, sharing the canvas's memory. */
export const bytesOf = ({ pixels }: Canvas): Uint8Array => new Uint8Array(pixels.buffer);
