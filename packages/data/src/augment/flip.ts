import { expectShape, type FloatTensor, float32 } from "@kdc-mae/core";

/** Mirrors a picture left to right. @param picture `[H, W, C]` @returns a copy, `[H, W, C]` */
export function flipHorizontally(picture: FloatTensor): FloatTensor {
  const { H, W, C } = expectShape("flipHorizontally", "picture", picture, "H W C");
  const out = float32([H, W, C]);
  for (let pixel = 0; pixel < H * W; pixel++) {
    const mirrored = pixel - (pixel % W) + W - 1 - (pixel % W);
    out.data.set(picture.data.subarray(pixel * C, (pixel + 1) * C), mirrored * C);
  }
  return out;
}
