import { expect, it } from "vitest";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import { encodeViewFlops } from "../experiment/flops.js";
import { named } from "../experiment/named.js";
import { configFor } from "../run/model-file.js";
import { flopPerClip } from "./flop-per-clip.js";

it("counts what a moving-average teacher makes of the views, and nothing that a fixed one does not do", () => {
  const checked = (changes: object) =>
    checkExperiment(withChanges({ ...named.demo, teacher: undefined }, changes), "flop-per-clip.test.ts");
  const alone = [{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }];
  const objective = [...alone, { term: "teacher-cosine" }];
  const plain = checked({ objective: alone });
  const { views, audioRatio, visualRatio } = plain.masking;
  const forward = encodeViewFlops(configFor(plain), { audio: audioRatio, visual: visualRatio });
  expect(flopPerClip(checked({ objective }))).toBe(flopPerClip(plain) + views * forward);
  const fixedTeacher = { model: "teacher.safetensors", sum: "of its encoder" };
  expect(flopPerClip(checked({ objective, fixedTeacher }))).toBe(flopPerClip(plain));
});
