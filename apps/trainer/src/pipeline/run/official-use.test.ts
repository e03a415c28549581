import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createPipesDecoder, locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileEmbedder } from "../embed/embed-files.js";
import { reportOn } from "../evaluate/picture-report.js";
import { evaluate } from "../evaluate/under-protocols.js";
import { exportGraphs } from "../export/export-graphs.js";
import { loadFineTuning } from "../finetune/named.js";
import { readStart } from "../finetune/start.js";
import { indexFolder } from "../search/index-folder.js";
import { searchClips } from "../search/search-clips.js";
import type { Assume } from "./assume.js";
import { readEncoder } from "./read-saved.js";

/** Archives made with the official classes; see make.py there. */
const fixtures = new URL("../../../../../fixtures/official/", import.meta.url);
const assume: Assume = { heads: 4, decoderHeads: 2 };

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-official-use-"));
  for (const name of ["cav-mae", "kdc-mae", "cav-mae-sync", "cav-mae-tuned"]) {
    await writeFile(at(`${name}.pth`), gunzipSync(await readFile(new URL(`${name}.pth.gz`, fixtures))));
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe("wherever a model is taken", () => {
  const env = process.env;
  let ffmpeg: string;
  let clip: string;
  beforeAll(async () => {
    ffmpeg = (await locateFfmpeg({ env })).path;
    const counts = { train: 6, validation: 3, test: 6 };
    await makeSet({ directory: at("made"), ffmpeg, counts, seed: 5, options: { size: 64 } });
    clip = at("made", "test", "test-00000.mp4");
    await mkdir(at("clips"));
    for (const index of [0, 1, 2]) {
      await cp(at("made", "test", `test-0000${index}.mp4`), at("clips", `test-0000${index}.mp4`));
    }
  });

  it.each(["cav-mae", "kdc-mae", "cav-mae-sync", "cav-mae-tuned"])("%s.pth: embed, index and search", async (name) => {
    const model = at(`${name}.pth`);
    const embedder = await createFileEmbedder(
      await readEncoder(model, { assume }),
      compiled(),
      createPipesDecoder(ffmpeg),
    );
    const { audio, windows } = await embedder.embed(clip);
    await embedder.dispose();
    expect([audio?.length, windows, audio?.every(Number.isFinite)]).toEqual([64, 3, true]);
    const index = at(`index-${name}`);
    expect((await indexFolder(at("clips"), { model, index, assume, env })).files).toBe(3);
    const notes: string[] = [];
    const answer = await searchClips(clip, { model, index, assume, env, onNote: (note) => notes.push(note) });
    expect(answer.found[0]).toMatchObject({ place: 1, path: expect.stringContaining("test-00000.mp4") });
    expect(answer.found[0].cosine).toBeCloseTo(1, 5);
    expect(notes.length).toBeGreaterThan(6);
  });

  it("evaluate, report, finetune and export", async () => {
    const data = at("made", "manifest.jsonl");
    const model = at("cav-mae.pth");
    const { results } = await evaluate(model, { protocols: ["retrieval-middle-frame"], assume, data, env });
    expect(results.sections.length).toBe(1);
    await expect(evaluate(model, { protocols: ["retrieval-middle-frame"], assume, env })).rejects.toThrow(
      "an official checkpoint does not say which clips it is to be evaluated on. Give a manifest",
    );
    const { input } = await reportOn(model, { assume, data, env });
    expect(input.dataset.test).toBe(6);
    const start = await readStart(await loadFineTuning("demo-finetune", [{ model: null }]), model);
    expect([start.config.embedDim, start.config.heads, start.statistics?.mean]).toEqual([64, 1, -5.081]);
    expect(start.notes).toContain("assumed: 1 heads (of 64 channels); another: --assume heads=N");
    const four = await readStart(await loadFineTuning("demo-finetune", [{ model: null }]), model, { assume });
    expect(four.config.heads).toBe(4);
    const sync = { assume: { ...assume, clipSeconds: 1.92 }, data, env };
    const frames = ["retrieval-frames-max-global", "retrieval-frames-diagonal", "retrieval-middle-frame-global"];
    const paired = (await evaluate(at("cav-mae-sync.pth"), { protocols: frames, ...sync })).results.sections;
    expect(paired.map(({ protocol }) => protocol.name)).toEqual(frames);
    expect(paired[0].protocol.notes).toContain("each picture goes with the 0.64 s of sound around it (visual.window)");
    const windowed = await readStart(await loadFineTuning("demo-finetune", [{ model: null }]), at("cav-mae-sync.pth"), {
      assume: sync.assume,
    });
    expect(windowed.visual).toMatchObject({ window: 0.64, seconds: 1.92 });
    const other = await loadFineTuning("demo-finetune", [{ model: null, visual: { window: 0.32 } }]);
    await expect(readStart(other, at("cav-mae-sync.pth"), { assume })).rejects.toThrow("the model hears 0.64 s");
    await expect(evaluate(model, { protocols: ["retrieval-frames-max-global"], assume, data, env })).rejects.toThrow(
      "the model has no global tokens",
    );
    expect((await exportGraphs(at("cav-mae-sync.pth"), { out: at("onnx-sync"), assume })).length).toBe(3);
    const sized = await loadFineTuning("vggsound");
    await expect(readStart(sized, model, { assume })).rejects.toThrow("the experiment says what model");
    const names = (await exportGraphs(model, { out: at("onnx"), assume })).map(({ graph }) => graph);
    expect(names).toEqual(["encoder", "retrieval", "inpainting"]);
    const tuned = await exportGraphs(at("cav-mae-tuned.pth"), { out: at("onnx-tuned"), assume });
    expect(tuned.map(({ graph }) => graph)).toContain("classifier");
  });
});
