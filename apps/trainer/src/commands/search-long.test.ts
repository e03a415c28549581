import { mkdir, readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { EmbeddedWindow } from "../pipeline/embed/embed-files.js";
import { openStore } from "../pipeline/search/open-store.js";
import { scanFolder } from "../pipeline/search/scan-folder.js";
import { updateIndex } from "../pipeline/search/update-index.js";
import { at, embedder, make, makeSearchGround, model, printed } from "./search.test.support.js";

makeSearchGround();

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
