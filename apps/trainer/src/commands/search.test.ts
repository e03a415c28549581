import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { createPipesDecoder, locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createFileEmbedder, type EmbeddedWindow, type FileEmbedder } from "../pipeline/embed/embed-files.js";
import { withChanges } from "../pipeline/experiment/change.js";
import { checkExperiment } from "../pipeline/experiment/check.js";
import { named } from "../pipeline/experiment/named.js";
import { configFor } from "../pipeline/run/model-file.js";
import { readModel } from "../pipeline/run/read-saved.js";
import { saveModel } from "../pipeline/run/save-model.js";
import { openStore } from "../pipeline/search/open-store.js";
import { scanFolder } from "../pipeline/search/scan-folder.js";
import { updateIndex } from "../pipeline/search/update-index.js";
import { addIndexCommand } from "./index-folder.js";
import { addSearchCommand } from "./search.js";

const sizes = { embedDim: 24, heads: 4, modalityDepth: 1, decoderDim: 16, decoderHeads: 2, decoderDepth: 1 };
const experiment = checkExperiment(
  withChanges(named.demo, {
    name: "small-one",
    model: { audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), ...sizes },
  }),
  "test",
);
const config = configFor(experiment);
const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
const make = (...args: string[]) => promisify(execFile)(ffmpeg, ["-v", "error", "-y", ...args]);

let folder = "";
const at = (...names: string[]) => join(folder, ...names);
let embedder: FileEmbedder;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-search-"));
  for (const [name, seed] of [
    ["model", 3],
    ["other", 4],
  ] as const) {
    const params = initModel(config, createRng(seed));
    await saveModel(at(`${name}.safetensors`), { config, params, statistics: { mean: -6, std: 4 }, experiment });
  }
  const counts = { train: 7, validation: 0, test: 0 };
  await makeSet({ directory: at("made"), ffmpeg, counts, seed: 5, options: { size: 64 } });
  await mkdir(at("clips", "deeper"), { recursive: true });
  for (const index of [0, 1, 2, 3, 4]) {
    await copyFile(
      at("made", "train", `train-0000${index}.mp4`),
      at("clips", index < 3 ? "" : "deeper", `${index}.mp4`),
    );
  }
  await writeFile(at("clips", "page.mp4"), "<html>gone</html>");
  await writeFile(at("clips", "notes.txt"), "notes");
  const model = await readModel(at("model.safetensors"));
  embedder = createFileEmbedder(model, compiled({}), createPipesDecoder(ffmpeg));
});
afterAll(async () => {
  await embedder.dispose();
  await rm(folder, { recursive: true });
});
afterEach(() => vi.restoreAllMocks());

/** Runs a command line; what it prints to stdout, and to stderr. */
async function printed(...line: string[]): Promise<{ readonly out: string; readonly err: string }> {
  const program = new Command().exitOverride();
  addIndexCommand(program);
  addSearchCommand(program);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
  const text = { out: "", err: "" };
  const into = (name: "out" | "err") => (piece: string | Uint8Array) => {
    text[name] += piece;
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(into("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(into("err"));
  const index = line.includes("--index") ? [] : ["--index", at("index")];
  await program.parseAsync([...line, ...index, "--threads", "1"], { from: "user" });
  return text;
}
const model = () => ["--model", at("model.safetensors")];
const index = (...more: string[]) => printed("index", at("clips"), ...model(), ...more);
const search = async (file: string, ...more: string[]) =>
  JSON.parse((await printed("search", file, ...model(), "--json", ...more)).out);

const windowsOf = async (name: string): Promise<EmbeddedWindow[]> => {
  const windows: EmbeddedWindow[] = [];
  for await (const window of embedder.embedWindows(embedder.read(at("clips", name)))) windows.push(window);
  return windows;
};

describe("index and search", { timeout: 180_000 }, () => {
  it("indexes a folder, and says what it left out and why", async () => {
    await expect(search(at("clips", "0.mp4"))).rejects.toThrow("there is no index. Make one with kdc-mae index FOLDER");
    const { out, err } = await index();
    expect(out).toContain(
      "5 new, 0 changed, 0 as before, 0 gone\nleft out: 1 (not-media 1)\nnot media by their names: 1 × .txt",
    );
    expect(out).toContain("index: 5 files, 10 clips in");
    expect(err).toContain("page.mp4: it is not a media file that ffmpeg knows");
  });

  it("finds a clip by both, by its sound, by its picture, and from a sound or a picture file alone", async () => {
    const [film, sound, silent, still] = [at("clips", "deeper", "3.mp4"), at("3.wav"), at("3-silent.mp4"), at("3.png")];
    await make("-i", film, "-vn", sound);
    await make("-i", film, "-an", "-c:v", "copy", silent);
    await make("-ss", "0.48", "-i", film, "-frames:v", "1", still);
    for (const line of [[film], [film, "--audio"], [film, "--visual"], [sound], [silent], [still]]) {
      const answer = await search(line[0], ...line.slice(1));
      expect([line.slice(1), answer.found[0]]).toMatchObject([line.slice(1), { place: 1, file: "deeper/3.mp4" }]);
      expect(answer.found).toHaveLength(5);
      expect(answer.found[0].cosine).toBeGreaterThan(line[0] === still ? 0.9 : 0.9999);
      expect(answer.found[1].cosine).toBeLessThan(answer.found[0].cosine);
    }
    const across = await search(sound, "--audio", "--among", "visual", "--count", "2");
    expect(across).toMatchObject({ by: "audio", among: "visual", clips: 10, model: "small-one" });
    expect(across.found).toHaveLength(2);
  });

  it("compares sounds with pictures as retrieval does", async () => {
    const asked = await windowsOf("1.mp4");
    const cosine = (a: Float32Array, b: Float32Array) => {
      const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    const { found } = await search(at("clips", "1.mp4"), "--audio", "--among", "visual");
    const other = found.find(({ file }: { file: string }) => file === "2.mp4");
    const windows = await windowsOf("2.mp4");
    const best = (stream: "visual" | "joint") =>
      Math.max(...asked.flatMap(({ audio }) => windows.map((window) => cosine(audio!, window[stream]!))));
    expect(other.cosine).toBeCloseTo(best("visual"), 5);
    expect(other.cosine).not.toBeCloseTo(best("joint"), 3);
  });

  it("adds only what is new or changed, and takes out what is gone", async () => {
    const same = await index("--json");
    expect(JSON.parse(same.out)).toMatchObject({
      added: 0,
      changed: 0,
      unchanged: 5,
      removed: [],
      files: 5,
      clips: 10,
    });
    await rename(at("clips", "0.mp4"), at("0.mp4"));
    await copyFile(at("made", "train", "train-00005.mp4"), at("clips", "1.mp4"));
    await utimes(at("clips", "1.mp4"), 1.6e9, 1.6e9);
    await copyFile(at("made", "train", "train-00006.mp4"), at("clips", "6.mp4"));
    const after = JSON.parse((await index("--json")).out);
    expect(after).toMatchObject({ added: 1, changed: 1, unchanged: 3, removed: ["0.mp4"], files: 5, clips: 10 });
    expect((await search(at("made", "train", "train-00005.mp4"))).found[0].file).toBe("1.mp4");
  });

  it("takes a clip out that can no longer be read", async () => {
    await writeFile(at("clips", "6.mp4"), "<html>");
    const after = JSON.parse((await index("--json")).out);
    expect(after).toMatchObject({ changed: 0, unchanged: 4, clips: 8 });
    expect(after.leftOut.map(({ file }: { file: string }) => file)).toEqual(["6.mp4", "page.mp4"]);
  });

  it("writes a page with players that needs no network", async () => {
    await rename(at("clips", "deeper"), at("clips", "dee & per"));
    await index();
    const { out } = await printed("search", at("3.wav"), "--audio", ...model(), "--html", at("found.html"));
    expect(out).toContain(`page: ${at("found.html")}`);
    const page = await readFile(at("found.html"), "utf8");
    expect(page).toContain('<audio controls preload="none" src="./3.wav"');
    expect(page).toMatch(/src="\.\/clips\/dee%20%26%20per\/3\.mp4(#t=0\.96)?"/);
    expect(page).not.toMatch(/https?:|<script/);
  });

  it("goes on from where it was stopped", async () => {
    const stop = new AbortController();
    const where = at("stopped");
    const model = { name: "m", sha256: "x", path: "p" };
    const about = { format: 2, root: at("clips"), model, width: 24, window: 0.96, hop: 0.96 } as const;
    const options = { folder: at("clips"), scan: await scanFolder(at("clips")), clock: () => 0 };
    const first = updateIndex({
      ...{ ...options, store: await openStore(where, { fresh: about }), embedder, signal: stop.signal },
      onProgress: ({ file, at: time }) => file === "2.mp4" && time === undefined && stop.abort(),
    });
    await expect(first).rejects.toThrow("abort");
    expect(await (await openStore(where)).count()).toBe(4);
    const second = await updateIndex({ ...options, store: await openStore(where), embedder });
    expect(second).toMatchObject({ added: 2, unchanged: 2 });
  });
});

describe("a long film, a sound and a still", { timeout: 240_000 }, () => {
  /** Each second of the film has a tone and a colour of its own. */
  const seconds = 40;
  const about = () => {
    const model = { name: "m", sha256: "x", path: "p" };
    return { format: 2, root: at("mixed"), model, width: 24, window: 0.96, hop: 0.96 } as const;
  };
  beforeAll(async () => {
    await mkdir(at("mixed"));
    const sound = `aevalsrc='0.4*sin(2*PI*(200+90*floor(t))*t)':s=16000:d=${seconds}`;
    const picture = `nullsrc=s=64x64:r=10:d=${seconds},format=yuv444p,geq=lum='16+mod(37*floor(T)+X*floor(T)\\,220)':cb='mod(90*floor(T)\\,255)':cr=128`;
    const film = at("mixed", "film.mp4");
    await make("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-qp", "6", film);
    await make("-ss", "9.6", "-i", film, "-t", "0.96", "-vn", at("mixed", "sound.wav"));
    await make("-ss", "30.24", "-i", film, "-frames:v", "1", at("mixed", "still.png"));
    await make("-ss", "9.6", "-i", film, "-t", "1.92", "-c:v", "ffv1", "-c:a", "pcm_s16le", at("asked.mkv"));
  });
  const mixed = (...line: string[]) => {
    const more = line[0] === "search" ? ["--json"] : [];
    return printed(...line, ...model(), ...more, "--index", at("mixed-index"));
  };

  it("a moment has its time, neighbours are one, and the player begins there", async () => {
    const { out } = await mixed("index", at("mixed"));
    expect(out).toContain("3 new, 0 changed");
    expect(out).toContain("left out: none");
    expect(out).toContain("index: 3 files, 44 clips");
    const found = JSON.parse((await mixed("search", at("asked.mkv"), "--count", "2", "--html", at("film.html"))).out);
    // Two windows of the question are two neighbours of the film.
    expect(found).toMatchObject({ by: "joint", clips: 44, compared: 42 });
    expect(found.found[0]).toMatchObject({ file: "film.mp4", start: 9.6, end: 11.52 });
    expect(found.found[0].cosine).toBeGreaterThan(0.999);
    const page = await readFile(at("film.html"), "utf8");
    expect(page).toContain(`src="./mixed/film.mp4#t=${found.found[0].best.start}"`);
    expect(page).toContain("0:09.6–0:11.5");
  });

  it("asks across what files have: sounds for a picture, pictures for a sound, each mixed with a film", async () => {
    const vectors = async (name: string) => {
      const windows: EmbeddedWindow[] = [];
      for await (const window of embedder.embedWindows(embedder.read(at("mixed", name)))) windows.push(window);
      return windows;
    };
    const [film, [sound], [still]] = [
      await vectors("film.mp4"),
      await vectors("sound.wav"),
      await vectors("still.png"),
    ];
    expect([Object.keys(sound), Object.keys(still)].map((keys) => keys.slice(3))).toEqual([["audio"], ["visual"]]);
    const cosine = (a: Float32Array, b: Float32Array) => {
      const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    for (const [asked, stream, among, question] of [
      ["still.png", "audio", "audio", still.visual!],
      ["sound.wav", "visual", "visual", sound.audio!],
      ["sound.wav", "audio", undefined, sound.audio!],
      ["still.png", "visual", undefined, still.visual!],
    ] as const) {
      const line = ["search", at("mixed", asked), "--count", "60", ...(among ? ["--among", among] : [])];
      const answer = JSON.parse((await mixed(...line)).out);
      const wanted = new Map<string, number>();
      for (const [file, windows] of [
        ["film.mp4", film],
        ["sound.wav", [sound]],
        ["still.png", [still]],
      ] as const) {
        const all = windows.flatMap((window) => (window[stream] ? [cosine(question, window[stream])] : []));
        if (all.length > 0) wanted.set(file, Math.max(...all));
      }
      expect([asked, answer.compared]).toEqual([asked, 43]);
      for (const [file, best] of wanted) {
        const hits = answer.found.filter((one: { file: string }) => one.file === file);
        expect([asked, file, hits.length > 0 && hits[0].cosine]).toEqual([asked, file, expect.closeTo(best, 5)]);
      }
      expect(answer.found.some(({ file }: { file: string }) => !wanted.has(file))).toBe(false);
    }
  });

  it("goes on in the middle of a film, and ends with what one run gives", async () => {
    const options = { folder: at("mixed"), scan: await scanFolder(at("mixed")) };
    const listed = async (where: string) => {
      const store = await openStore(where);
      const rows: string[] = [];
      for await (const { file, start, end, streams, last } of store.clips()) {
        rows.push(JSON.stringify([file, start, end, streams, last]));
      }
      await store.close();
      return rows.sort();
    };
    const where = at("interrupted");
    let time = 0;
    for (const stopAt of [7, 21, undefined]) {
      const stop = new AbortController();
      const store = await openStore(where, { fresh: about() });
      const run = updateIndex({
        ...{ ...options, store, embedder, signal: stop.signal, clock: () => time++, writeEvery: 3 },
        onProgress: ({ file, at: reached = 0 }) => {
          if (file === "film.mp4" && stopAt !== undefined && reached > stopAt) stop.abort();
        },
      });
      if (stopAt === undefined) expect(await run).toMatchObject({ resumed: 1, added: 2, changed: 0 });
      else await expect(run).rejects.toThrow("abort");
      await store.close();
      if (stopAt !== undefined) expect((await listed(where)).length).toBeGreaterThan(stopAt - 3);
    }
    const whole = await openStore(at("uninterrupted"), { fresh: about() });
    await updateIndex({ ...options, store: whole, embedder, clock: () => 0 });
    await whole.close();
    expect(await listed(where)).toEqual(await listed(at("uninterrupted")));
    const again = await openStore(where);
    const change = await updateIndex({ ...options, store: again, embedder, clock: () => 0 });
    expect(change).toMatchObject({ added: 0, changed: 0, resumed: 0, unchanged: 3 });
    await again.close();
  });
});

describe("wrong use", () => {
  it("refuses another model's vectors, another folder, and an emptied one", async () => {
    const other = ["--model", at("other.safetensors")];
    await expect(printed("search", at("3.wav"), "--audio", ...other)).rejects.toThrow(
      /made with another model: small-one \(\w{12}…\), not small-one .* Use the model it was made with \(--model .*model\.safetensors\)/,
    );
    await expect(printed("index", at("clips"), ...other)).rejects.toThrow("vectors of two models cannot be compared");
    await expect(printed("index", at("made"), ...model())).rejects.toThrow(
      `it is of the folder ${at("clips")}, not of`,
    );
    await rename(at("clips"), at("moved"));
    await expect(index()).rejects.toThrow("there is no such folder. Give the folder that holds the clips");
    await mkdir(at("clips"));
    await expect(index()).rejects.toThrow("none of the 4 indexed files is there any more. Check that the folder");
    expect((await search(at("0.mp4"))).clips).toBe(8);
  });

  it("says what a question lacks", async () => {
    await expect(search(at("3.wav"), "--visual")).rejects.toThrow("it has no video track");
    await expect(search(at("3-silent.mp4"), "--audio")).rejects.toThrow("it has no audio track");
    await expect(search(at("nowhere.mp4"))).rejects.toThrow("there is no such file");
    await expect(search(at("0.mp4"), "--among", "audio")).rejects.toThrow("Add --audio or --visual");
    await expect(search(at("3.wav"), "--audio", "--count", "0")).rejects.toThrow("whole number of at least 1");
    await expect(search(at("3.wav"), "--audio", "--visual")).rejects.toThrow("cannot be used with");
    await expect(printed("search", "x.mp4", "--model", at("none"))).rejects.toThrow("there is no model");
  });
});
