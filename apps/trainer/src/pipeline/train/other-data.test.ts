import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf, type RunData, runDataOf } from "../corpus/data-digest.js";
import { STATE_FILE } from "../run/run-folder.js";
import { runsApart } from "./fake-run.test.support.js";

const { newPath, run } = runsApart();

describe("data of a run that goes on", () => {
  const clip = (id: string, labels = ["bell"], split = "train") => ({ id, labels, split });
  const clips = [clip("a"), clip("b", ["drum"]), clip("c")];
  const named = [...clips, clip("d", ["bell"], "test")];
  const dataOf = (fitted = clips, all = named) => runDataOf(fitted, digestOf(all));
  /** A run that was stopped after two updates, and the folder it is in. */
  const stopped = async () => {
    const path = newPath();
    const stopping = new AbortController();
    const onUpdate = (step: number) => void (step === 2 && stopping.abort());
    const first = await run({ path, data: dataOf(), onUpdate, signal: stopping.signal });
    expect([first.finished, first.steps]).toEqual([false, 2]);
    return path;
  };

  it("the same go on, to what an undisturbed run learns", async () => {
    const path = await stopped();
    const again = await run({ path, data: dataOf() });
    expect([again.finished, again.learned]).toEqual([true, (await run({ data: dataOf() })).learned]);
  });

  it("decoded by another program are told of, and the run keeps a record of both", async () => {
    const by = (decodedBy: string) => runDataOf(clips, { ...digestOf(named), decodedBy });
    const path = newPath();
    const stopping = new AbortController();
    const onUpdate = (step: number) => void (step === 2 && stopping.abort());
    await run({ path, data: by("ffmpeg 5.1"), onUpdate, signal: stopping.signal });
    const again = await run({ path, data: by("ffmpeg 7.0"), takes: 1, training: {} });
    expect(again.notes).toContain(
      "the run's clips were decoded by ffmpeg 5.1, and are decoded by ffmpeg 7.0 now; they may differ",
    );
    expect(again.finished).toBe(true);
    expect((await run({ path, data: by("ffmpeg 7.0") })).notes).toEqual([]);
  });

  it.each<[string, RunData, string]>([
    ["a label", dataOf([clip("a"), clip("b", ["horn"]), clip("c")]), "labels of clips that are trained on changed"],
    ["permuted labels", dataOf([clip("a", ["drum"]), clip("b"), clip("c")]), "labels of clips that are trained on"],
    ["a clip that is gone", dataOf(clips.slice(1)), "there were 3 clips that are trained on, and there are 2"],
    [
      "another clip",
      dataOf([clip("a"), clip("b", ["drum"]), clip("x")]),
      "some of the clips that are trained on are different ones",
    ],
    ["another order", dataOf([...clips].reverse()), "clips that are trained on come in another order"],
    [
      "another split",
      dataOf(clips, [...clips, clip("d", ["bell"], "validation")]),
      "splits of clips that the data name",
    ],
    [
      "a clip more to be scored",
      dataOf(clips, [...named, clip("e", [], "test")]),
      "there were 4 clips that the data name",
    ],
  ])("%s is refused by name, or accepted and recorded", async (_, data, what) => {
    const path = await stopped();
    const before = await readFile(join(path, STATE_FILE));
    await expect(run({ path, data })).rejects.toThrow(what);
    await expect(run({ path, data })).rejects.toMatchObject({ reason: "other-data" });
    expect(await readFile(join(path, STATE_FILE))).toEqual(before);
    const accepted = await run({ path, data, acceptChangedData: true });
    expect(accepted.finished).toBe(true);
    expect(accepted.notes.join()).toContain("goes on with other data from step 2 on");
    const [entry] = await accepted.folder.readLog();
    expect(entry.otherData?.[0]).toMatchObject({ step: 2, changes: [expect.stringContaining(what)] });
    // What was accepted is what the run is held to from then on.
    await run({ path, data, training: { epochs: 4 } });
    await expect(run({ path, data: dataOf(), training: { epochs: 5 } })).rejects.toMatchObject({
      reason: "other-data",
    });
  });
});
