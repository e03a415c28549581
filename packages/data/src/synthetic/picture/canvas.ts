/** A square RGB picture under the brush: `pixels` runs [size, size, 3], 0–255; what is written is rounded and clamped. */
export type Canvas = { readonly size: number; readonly pixels: Uint8ClampedArray };

/** A black canvas of `size` × `size` pixels. */
export const createCanvas = (size: number): Canvas => ({ size, pixels: new Uint8ClampedArray(size * size * 3) });
