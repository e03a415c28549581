import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { named } from "../pipeline/experiment/named.js";
import { namedFineTunings } from "../pipeline/finetune/named.js";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const isBuilt = existsSync(at("dist/main.js"));
if (!isBuilt) process.stdout.write("skipped: the packages are not built, so there is no kdc-mae to run\n");

const kdcMae = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [at("bin/kdc-mae.js"), ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
};

describe.skipIf(!isBuilt)("the command as it is installed", () => {
  it("says the version that its package has", () => {
    const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));
    expect(kdcMae("--version").stdout).toBe(`${version}\n`);
  });

  it("doctor writes its findings and nothing of what native libraries say", () => {
    const { stdout, stderr } = kdcMae("doctor");
    expect(stderr).toBe("");
    for (const line of stdout.split("\n").filter((text) => text !== "")) expect(line).toMatch(/^(ok |no | {24}→)/);
    expect(stdout).toContain("ok  onnxruntime cpu");
    expect(stdout).toMatch(/^ok {2}node/m);
    // Where this changes, doctor.ts says it in words and by numbers.
    expect(JSON.parse(readFileSync(at("package.json"), "utf8")).engines.node).toBe("^20.19.0 || >=22.12.0");
    expect(stdout).toMatch(/^(ok|no ) +onnxruntime cuda/m);
  });

  it.each([
    ["pretrain", named],
    ["finetune", namedFineTunings],
  ])("%s --help names the experiments that ship, with size, epochs and data", (command, known) => {
    const { stdout } = kdcMae(command, "--help");
    for (const [name, { model, training, data }] of Object.entries(known)) {
      const line = stdout.split("\n").find((text) => text.trim().startsWith(`${name} `));
      expect(line).toContain(model === undefined ? "the checkpoint's size" : `size ${model.preset}`);
      expect(line).toContain(
        `${training.epochs} epochs of ${data.kind === "synthetic" ? `${data.train.toLocaleString("en-US")} synthetic clips` : "your own clips"}`,
      );
    }
  });

  it("a device that is not there is told once, in one line", () => {
    // Where there is one, the missing model is what is told.
    const { status, stderr } = kdcMae("embed", "none.mp4", "--model", "none.safetensors", "--device", "cuda");
    expect([status, stderr.trim().split("\n").length]).toEqual([1, 1]);
    expect(stderr).toMatch(/cannot use the device cuda on this machine|there is no model/);
  });

  it("embed given a folder names index", () => {
    const { status, stderr } = kdcMae("embed", tmpdir());
    expect([status, stderr]).toEqual([
      1,
      `embed: ${tmpdir()} is a folder. Name the files in it, or embed and search all of it: kdc-mae index ${tmpdir()}\n`,
    ]);
  });
});
