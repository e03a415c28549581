import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("takes a manifest with folders and what `kdc-mae embed` wrote, and says where clips are too few", () => {
  const folder = mkdtempSync(join(tmpdir(), "kdc-few-labels-"));
  try {
    // Five clips of each of two letters to learn from, two to be named: told apart by sound, alike in what is seen.
    const clips = Array.from({ length: 14 }, (_, i) => {
      const split = i < 10 ? "train" : "test";
      return { id: `${i}`, path: `${split}/clip-${i}.mp4`, labels: [i % 2 ? "b" : "a"], split };
    });
    const lines = (rows: object[]) => rows.map((row) => JSON.stringify(row)).join("\n");
    const vectors = clips.map(({ path, labels: [label] }) => {
      const sound = label === "a" ? [1, 0] : [0, 1];
      return { file: `/elsewhere/${path}`, audio: sound, visual: [1, 1], joint: sound };
    });
    writeFileSync(join(folder, "list.jsonl"), lines(clips));
    writeFileSync(join(folder, "vectors.jsonl"), lines(vectors));
    const script = fileURLToPath(new URL("few-labels.mjs", import.meta.url));
    const run = spawnSync(process.execPath, [script, "list.jsonl", "mine=vectors.jsonl"], { cwd: folder });
    expect(String(run.stderr)).toBe("");
    const [, , audio, visual, , guess] = String(run.stdout).split("\n");
    expect(audio).toMatch(/^\| audio \| mine \| 100\.0 % \([^)]+\) \| 100\.0 % \([^)]+\) \| too few clips \|$/);
    expect(visual).toMatch(/^\| visual \| mine \| 50\.0 % /);
    expect(guess).toBe("a guess: 50.0 %; 4 test clips");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
