import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const built = existsSync(fileURLToPath(new URL("../apps/trainer/dist/index.js", import.meta.url)));
if (!built) console.info("skipped: it runs the built trainer; run `build` first");

it.skipIf(!built)("600 updates with log, event files, probes and checkpoints leave memory flat", async () => {
  const root = await mkdtemp(join(tmpdir(), "kdc-long-"));
  const script = fileURLToPath(new URL("long-run.mjs", import.meta.url));
  // V8 goes through its whole nursery, up to tens of megabytes, before it uses a page again: here it has a small one.
  const args = ["--expose-gc", "--max-semi-space-size=1", script, "600", root];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect({ status, said: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, said: "" });
  expect(stdout).toMatch(/600 steps in \d+ s, [1-9]\d* probes/);
  const kept = await readdir(join(root, "run"));
  expect(kept).toEqual(
    expect.arrayContaining(["events.jsonl", "pictures", "tensorboard", "state.safetensors", "best.safetensors"]),
  );
  await rm(root, { recursive: true });
});
