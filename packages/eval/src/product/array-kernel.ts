import type { Kernel } from "./kernel.js";

/** {@link Kernel} in plain typed arrays: sixteen running sums in double precision, rounded once at the end. */
export function arrayKernel(floats: number): Kernel {
  const space = new Float32Array(floats);
  return {
    name: "array",
    space,
    tile(left, right, out, leftPanels, rightPanels, depth) {
      const stride = rightPanels * 8;
      for (let q = 0; q < rightPanels; q++) {
        for (let p = 0; p < leftPanels; p++) {
          for (let half = 0; half < 8; half += 4) {
            quad(space, left + p * 4 * depth, right + q * 8 * depth + half, out + p * 4 * stride + q * 8 + half, {
              depth,
              stride,
            });
          }
        }
      }
    },
  };
}

/** Four left rows times four right rows. */
function quad(s: Float32Array, x0: number, y0: number, out: number, size: { depth: number; stride: number }): void {
  let [a0, a1, a2, a3] = [0, 0, 0, 0];
  let [b0, b1, b2, b3] = [0, 0, 0, 0];
  let [c0, c1, c2, c3] = [0, 0, 0, 0];
  let [d0, d1, d2, d3] = [0, 0, 0, 0];
  let x = x0;
  let y = y0;
  for (let k = 0; k < size.depth; k++) {
    const left0 = s[x];
    const left1 = s[x + 1];
    const left2 = s[x + 2];
    const left3 = s[x + 3];
    const right0 = s[y];
    const right1 = s[y + 1];
    const right2 = s[y + 2];
    const right3 = s[y + 3];
    a0 += left0 * right0;
    a1 += left0 * right1;
    a2 += left0 * right2;
    a3 += left0 * right3;
    b0 += left1 * right0;
    b1 += left1 * right1;
    b2 += left1 * right2;
    b3 += left1 * right3;
    c0 += left2 * right0;
    c1 += left2 * right1;
    c2 += left2 * right2;
    c3 += left2 * right3;
    d0 += left3 * right0;
    d1 += left3 * right1;
    d2 += left3 * right2;
    d3 += left3 * right3;
    x += 4;
    y += 8;
  }
  s.set([a0, a1, a2, a3], out);
  s.set([b0, b1, b2, b3], out + size.stride);
  s.set([c0, c1, c2, c3], out + 2 * size.stride);
  s.set([d0, d1, d2, d3], out + 3 * size.stride);
}
