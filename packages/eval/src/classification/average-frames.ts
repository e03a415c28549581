import { KdcError } from "@kdc-mae/core";
import { expectMatrix, type Matrix, matrix } from "../matrix.js";

/**
 * Mean of the probabilities of a clip's frames, the usual ten-frame protocol. Rows run clip by clip, frame by frame.
 *
 * @param probabilities `[N·frames, C]`
 * @returns `[N, C]`
 * @throws KdcError (`frames`) when the rows are no whole number of clips
 */
export function averageFrames(probabilities: Matrix, frames: number): Matrix {
  const where = "averageFrames";
  const { R, C } = expectMatrix(where, "probabilities", probabilities, "R C");
  if (!(Number.isInteger(frames) && frames > 0 && R % frames === 0)) {
    throw new KdcError({
      where,
      what: `${R} rows are not clips of ${frames} frames each`,
      remedy: "Give every clip the same number of frames, clip by clip",
      reason: "frames",
    });
  }
  const mean = matrix(R / frames, C);
  for (let row = 0; row < R; row++) {
    const clip = Math.floor(row / frames);
    for (let c = 0; c < C; c++) mean.data[clip * C + c] += probabilities.data[row * C + c] / frames;
  }
  return mean;
}
