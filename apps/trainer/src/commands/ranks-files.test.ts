import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomModel } from "../pipeline/films/known-model.test.support.js";
import { saveModel } from "../pipeline/run/save-model.js";
import { below, canStart, ended, run, start } from "./ranks.test.support.js";

let folder = "";
const of = (name: string) => join(folder, name);

/** Every file of a folder with its bytes. */
async function bytesIn(path: string): Promise<Readonly<Record<string, string>>> {
  const files = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile());
  const pairs = files.map(async ({ name }) => [name, (await readFile(join(path, name))).toString("hex")] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

describe.skipIf(!canStart)("work on files under mpirun", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-mae-ranks-files-"));
    const ffmpeg = (await locateFfmpeg({ env: process.env })).path;
    const counts = { train: 7, validation: 0, test: 2 };
    await makeSet({ directory: of("media"), ffmpeg, counts, seed: 7, workers: 2 });
    await writeFile(of("media/train/broken.mp4"), "no film");
    if (!("model" in randomModel)) throw new Error("it is one");
    await saveModel(of("model.safetensors"), randomModel.model);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const model = () => ["--model", of("model.safetensors"), "--threads", "1"];
  const films = async () => (await readdir(of("media/train"))).filter((name) => name.endsWith(".mp4")).sort();

  it("prepare: the same set as one process makes", async () => {
    const made = async (ranks: number) => {
      const out = of(`set-${ranks}`);
      const packing = ["--clips-per-shard", "2", "--frames", "2", "--size", "64", "--workers", "1"];
      const { code, out: said } = await run(ranks, ["prepare", of("media/manifest.jsonl"), "--out", out, ...packing]);
      expect(code).toBe(0);
      return { said, files: await bytesIn(out) };
    };
    const one = await made(1);
    expect(Object.keys(one.files).filter((name) => name.endsWith(".tar"))).toHaveLength(5);
    expect(await made(2)).toEqual(one);
  });

  it("survey: the same account and the same clean list", async () => {
    const made = async (ranks: number) => {
      const clean = of(`clean-${ranks}.jsonl`);
      const args = ["survey", of("media/train"), "--workers", "1", "--clean", clean, "--json"];
      const { code, out } = await run(ranks, args);
      return { code, said: JSON.parse(out), clean: await readFile(clean, "utf8") };
    };
    const one = await made(1);
    expect(one.clean.trim().split("\n")).toHaveLength(7);
    expect(await made(2)).toEqual(one);
  });

  it("evaluate: the same figures", async () => {
    const made = async (ranks: number) => {
      const out = of(`evaluation-${ranks}`);
      const data = ["--data", of("media/manifest.jsonl"), "--split", "train"];
      const protocols = ["--protocol", "retrieval-middle-frame", "--protocol", "inpainting-time-75"];
      const args = ["evaluate", of("model.safetensors"), ...data, ...protocols, "--out", out, "--threads", "1"];
      expect(await run(ranks, args)).toMatchObject({ code: 0 });
      return readFile(join(out, "protocols.json"), "utf8");
    };
    const one = await made(1);
    expect(one).toContain("retrieval-middle-frame");
    expect(await made(2)).toBe(one);
  });

  it("embed: the same lines in the same order, means and windows, and the same file left out", async () => {
    const files = (await films()).map((name) => of(join("media/train", name)));
    const made = async (ranks: number) => {
      const means = await run(ranks, ["embed", ...files, ...model()]);
      const out = of(`windows-${ranks}.jsonl`);
      const windows = await run(ranks, ["embed", ...files, "--each", "--hop", "0.5", "--out", out, ...model()]);
      for (const { code, output } of [means, windows]) {
        expect(code).toBe(1);
        expect(output.match(/left out: .*broken\.mp4: it is not a media file/g)).toHaveLength(1);
        expect(output).toContain("embedded 7 of 8 files");
      }
      return { means: means.out.replace(/^(?!\{).*\n/gm, ""), windows: await readFile(out, "utf8") };
    };
    const one = await made(1);
    expect(one.means.trim().split("\n")).toHaveLength(7);
    expect(one.windows.trim().split("\n").length).toBeGreaterThan(14);
    for (const ranks of [2, 3]) expect(await made(ranks), `${ranks}`).toEqual(one);
  });

  it("index: the same bytes; with a rank killed all end, it is named, and the next run completes it", async () => {
    const args = (name: string) => ["index", of("media"), "--index", of(name), "--json", ...model()];
    const made = async (ranks: number) => {
      const { code, out } = await run(ranks, args(`index-${ranks}`));
      expect(code).toBe(0);
      return { said: { ...JSON.parse(out), index: "" }, files: await bytesIn(of(`index-${ranks}`)) };
    };
    const one = await made(1);
    expect(one.said).toMatchObject({ added: 9, files: 9, leftOut: [{ file: "train/broken.mp4" }] });
    for (const ranks of [2, 3]) expect(await made(ranks), `${ranks}`).toEqual(one);

    const child = start(2, args("index-killed"));
    const end = ended(child);
    // Rank 0 holds it while it works, and waits for the other's files.
    while (!existsSync(of("index-killed/.kdc-mae.lock")) && child.exitCode === null) await sleep(5);
    process.kill(below(child.pid!)[1], "SIGKILL");
    expect(await end).toMatchObject({
      code: 137,
      output: expect.stringMatching(/rank 1 with PID \d+ on node \S+ exited on signal 9/),
    });
    const { code, out } = await run(2, args("index-killed"));
    expect([code, JSON.parse(out)]).toMatchObject([0, { files: 9, clips: one.said.clips }]);
  });
});
