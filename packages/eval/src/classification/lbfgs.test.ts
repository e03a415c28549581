import { expect, it } from "vitest";
import { minimize } from "./lbfgs.js";

it("finds the bottom of a stretched bowl", () => {
  const stretch = [1, 7, 53, 401];
  const bottom = [3, -2, 0.5, 1];
  const { point, converged } = minimize(
    (at, gradient) => {
      let value = 0;
      for (let i = 0; i < 4; i++) {
        const away = at[i] - bottom[i];
        gradient[i] = stretch[i] * away;
        value += (stretch[i] * away * away) / 2;
      }
      return value;
    },
    new Float64Array(4),
    { tolerance: 1e-12 },
  );
  expect(converged).toBe(true);
  for (let i = 0; i < 4; i++) expect(point[i]).toBeCloseTo(bottom[i], 5);
});

it("says when the iterations ran out", () => {
  const rosenbrock = (at: Float64Array, gradient: Float64Array) => {
    const [x, y] = at;
    gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x);
    gradient[1] = 200 * (y - x * x);
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2;
  };
  const start = Float64Array.of(-1.2, 1);
  expect(minimize(rosenbrock, start, { iterations: 5 }).converged).toBe(false);
  const end = minimize(rosenbrock, start, { tolerance: 1e-14 });
  expect(end.point[0]).toBeCloseTo(1, 4);
  expect(end.point[1]).toBeCloseTo(1, 4);
});
