import { expect, it } from "vitest";
import { choosingClips } from "./choosing-clips.js";

const set = (items: readonly { id: string; labels: readonly string[]; recording?: string }[]) => ({
  ...{ items, read: () => [] },
  close: async () => undefined,
});
/** Three windows of each of twelve films of two classes. */
const windows = Array.from({ length: 36 }, (_, clip) => ({
  id: `clip-${clip}`,
  labels: [clip % 2 === 0 ? "bell" : "drum"],
  recording: `film-${clip % 12}`,
}));
const nothing = set([]);

it("chooses on windows of films that nothing is fitted on", () => {
  const sets = { train: set(windows), validation: nothing, test: set(windows) };
  const { from, fitted, chosen, source } = choosingClips({ sets, split: "test" });
  expect([from, source]).toEqual(["train", "a fifth of the training recordings, whose clips it is not fitted on"]);
  const films = (places: Int32Array) => [...new Set(Array.from(places, (place) => place % 12))];
  expect(films(chosen)).toHaveLength(2);
  expect(films(fitted)).toHaveLength(10);
  expect(chosen.length + fitted.length).toBe(36);
  const one = set(windows.map((item) => ({ ...item, recording: item.labels[0] })));
  const alone = choosingClips({ sets: { ...sets, train: one }, split: "test" });
  expect([alone.source, alone.fitted.length, alone.chosen.length]).toEqual(["the training clips", 36, 36]);
});
