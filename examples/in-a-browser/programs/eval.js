import { createRng } from "@kdc-mae/core";
import { linearProbe, matrix, retrieval } from "@kdc-mae/eval";

export const program = () => {
  const rng = createRng(5);
  const rows = () =>
    matrix(
      12,
      8,
      Float32Array.from({ length: 96 }, () => rng.normal()),
    );
  const [audio, visual] = [rows(), rows()];
  const labels = Array.from({ length: 12 }, (_, index) => index % 3);
  const set = { features: audio, labels };
  return {
    ranks: retrieval({ audio, visual }).audioToVisual.r5,
    accuracy: linearProbe({ kinds: ["a", "b", "c"], train: set, test: set }).accuracy,
  };
};
