import { isKdcError } from "@kdc-mae/core";
import { availableCpus, availableMemory, machineLimits } from "@kdc-mae/core/node";
import { locateFfmpeg } from "@kdc-mae/data/node";
import type { Command } from "commander";
import { type Computing, lookApart } from "../doctor/look-apart.js";
import { print } from "../terminal/print.js";

/** One thing that was looked at. */
type Finding = { readonly name: string; readonly ok: boolean; readonly detail: string; readonly remedy?: string };

/** Adds `kdc-mae doctor`. */
export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("say what this machine can do, and what to do about the rest")
    .option("--json", "print the findings as JSON")
    .option("--again", "test the WebGPU adapter again, whatever was found of it before")
    .addHelpText("after", "\nExample:\n  kdc-mae doctor\n")
    .action(async ({ json, again = false }: { json?: true; again?: boolean }) => {
      const findings = await examine(again);
      if (json) print(`${JSON.stringify(findings, null, 2)}\n`);
      else for (const finding of findings) print(inWords(finding));
      if (findings.some(({ name, ok }) => !ok && needed.has(name))) process.exitCode = 1;
    });
}

/** What nothing works without. */
const needed = new Set(["node", "ffmpeg", "onnxruntime cpu"]);

const inWords = ({ name, ok, detail, remedy }: Finding) =>
  `${ok ? "ok " : "no "} ${name.padEnd(20)} ${detail}\n${ok || remedy === undefined ? "" : `${" ".repeat(24)}→ ${remedy}\n`}`;

async function examine(again: boolean): Promise<Finding[]> {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const { quota, memory } = machineLimits();
  const limited = [
    ...(quota === undefined ? [] : [`${quota.toFixed(2)} processors of time`]),
    ...(memory === undefined ? [] : [`${(memory / 2 ** 30).toFixed(1)} GiB`]),
  ];
  const machine = `${availableCpus()} cores, ${(availableMemory() / 2 ** 30).toFixed(1)} GiB`;
  return [
    {
      name: "node",
      ok: (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22,
      detail: `${process.versions.node} on ${process.platform} ${process.arch}, ${machine}${limited.length === 0 ? "" : ` (its control group allows ${limited.join(" and ")})`}`,
      remedy: "Install Node 20.19 or a later 20, or 22.12 or newer",
    },
    await ffmpegFinding(),
    ...(await computingFindings(again)),
  ];
}

/** What computes here; one finding where looking itself failed. */
async function computingFindings(again: boolean): Promise<Finding[]> {
  let found: Computing;
  try {
    found = await lookApart(again);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [{ name: "onnxruntime cpu", ok: false, detail, remedy: "Reinstall, or check your graphics driver" }];
  }
  const { devices, webgpu, named, backends } = found;
  return [
    ...webgpu.map(({ precision, usable, reason, remedy }) => ({
      name: precision === "mixed" ? "webgpu mixed" : "webgpu",
      ok: usable,
      detail: reason,
      remedy,
    })),
    ...devices.map(({ name, usable, reason, remedy }) => ({
      name: `onnxruntime ${name}`,
      ok: usable,
      detail: usable ? `compiled programs run here: ${reason}` : reason,
      remedy,
    })),
    ...(named === undefined ? [] : [{ name: "KDC_TFJS_NODE", ok: false, detail: named.what, remedy: named.remedy }]),
    ...backends.map(({ name, usable, reason, remedy }) => ({
      name: `tfjs ${name}`,
      ok: usable,
      detail: reason,
      remedy,
    })),
  ];
}

async function ffmpegFinding(): Promise<Finding> {
  try {
    const { path, source, version, licence } = await locateFfmpeg({ env: process.env });
    const old =
      source === "@ffmpeg-installer/ffmpeg" ? "; a build of 2018: a current one from your system is better" : "";
    return { name: "ffmpeg", ok: true, detail: `${version} at ${path} (${source}), ${licence}${old}` };
  } catch (error) {
    if (!isKdcError(error)) throw error;
    return { name: "ffmpeg", ok: false, detail: error.what, remedy: error.remedy };
  }
}
