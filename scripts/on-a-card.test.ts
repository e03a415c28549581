import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it.skipIf(process.platform === "win32")("what is packed is removed where a step fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-card-"));
  const at = (...names: string[]) => join(folder, ...names);
  await mkdir(at("bin"));
  await mkdir(at("tmp"));
  // Deploys something, and fails.
  await writeFile(at("bin", "npx"), '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last"\necho "$last" >&2\nexit 3\n');
  await chmod(at("bin", "npx"), 0o755);
  const env = { ...process.env, PATH: `${at("bin")}:${process.env.PATH}`, TMPDIR: at("tmp") };
  const script = fileURLToPath(new URL("on-a-card.sh", import.meta.url));
  const packing = promisify(execFile)("bash", [script, "pack", at("card.run")], { env });
  await expect(packing).rejects.toMatchObject({ code: 3, stderr: expect.stringContaining(at("tmp")) });
  expect(await readdir(at("tmp"))).toEqual([]);
  await rm(folder, { recursive: true });
});
