import { copyFile, mkdir, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { EmbeddedWindow } from "../pipeline/embed/embed-files.js";
import { openStore } from "../pipeline/search/open-store.js";
import { scanFolder } from "../pipeline/search/scan-folder.js";
import { updateIndex } from "../pipeline/search/update-index.js";
import { at, embedder, make, makeSearchGround, model, printed } from "./search.test.support.js";

makeSearchGround();

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
