import { expectShape, type FloatTensor, type Frame, float32 } from "@kdc-mae/core";

/** Mean and standard deviation of red, green and blue in ImageNet, with pixel values in [0, 1]. */
export const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** (x / 255 − mean) / std per channel. @returns `[H, W, 3]` */
export function normalizeFrame(frame: Frame): FloatTensor {
  const out = float32([frame.height, frame.width, 3]);
  for (let channel = 0; channel < 3; channel++) {
    const [mean, std] = [imageNet.mean[channel], imageNet.std[channel]];
    const table = Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / std);
    for (let index = channel; index < out.data.length; index += 3) out.data[index] = table[frame.data[index]];
  }
  return out;
}

/**
 * The picture a normalised tensor stands for, rounded and clipped to 0–255.
 *
 * @param picture `[H, W, 3]`
 * @param time seconds into the clip, kept with the frame
 */
export function denormalizeFrame(picture: FloatTensor, time = 0): Frame {
  const { H, W } = expectShape("denormalizeFrame", "picture", picture, "H W 3");
  const data = Uint8ClampedArray.from(
    picture.data,
    (value, index) => (value * imageNet.std[index % 3] + imageNet.mean[index % 3]) * 255,
  );
  return { width: W, height: H, data: new Uint8Array(data.buffer), time };
}
