import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostTensor } from "@kdc-mae/core";

const python = process.env.KDC_PYTHON ?? "python3";
const ready = spawnSync(python, ["-c", "import onnxruntime, numpy"], { encoding: "utf8" });

/** Why Python's onnxruntime cannot be asked, if so. */
export const pythonReason =
  ready.status === 0 ? undefined : (ready.error?.message ?? ready.stderr.trim().split("\n").at(-1));
if (pythonReason !== undefined) {
  console.info(`skipped: no onnxruntime under ${python} (${pythonReason}); name another with KDC_PYTHON`);
}

const program = `
import sys, json, numpy as np, onnxruntime as ort
folder = sys.argv[1]
results = []
for t, one in enumerate(json.load(open(folder + "/plan.json"))):
    session = ort.InferenceSession(one["file"], providers=["CPUExecutionProvider"])
    outputs = []
    for r, feeds in enumerate(one["runs"]):
        given = {k: np.fromfile(f["file"], dtype=f["dtype"]).reshape(f["shape"]) for k, f in feeds.items()}
        names = [o.name for o in session.get_outputs()]
        files = {}
        for name, value in zip(names, session.run(names, given)):
            files[name] = f"{folder}/out.{t}.{r}.{name}"
            value.astype("float32").tofile(files[name])
        outputs.append(files)
    results.append({"outputs": outputs, "metadata": session.get_modelmeta().custom_metadata_map})
json.dump(results, open(folder + "/results.json", "w"))
`;

type Run = { readonly inputs: Readonly<Record<string, HostTensor>> };
type Result = {
  readonly outputs: readonly Readonly<Record<string, Float32Array>>[];
  readonly metadata: Readonly<Record<string, string>>;
};

/** Runs files in Python's ONNX Runtime, each on its inputs; gives their outputs and metadata. */
export async function runInPython(
  folder: string,
  tries: readonly { readonly file: string; readonly runs: readonly Run[] }[],
): Promise<readonly Result[]> {
  const plan = [];
  for (const [t, { file, runs }] of tries.entries()) {
    const described = [];
    for (const [r, { inputs }] of runs.entries()) {
      const feeds: Record<string, object> = {};
      for (const [name, { dtype, shape, data }] of Object.entries(inputs)) {
        const path = join(folder, `in.${t}.${r}.${name}`);
        await writeFile(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        feeds[name] = { file: path, dtype, shape };
      }
      described.push(feeds);
    }
    plan.push({ file, runs: described });
  }
  await writeFile(join(folder, "plan.json"), JSON.stringify(plan));
  const { status, stderr } = spawnSync(python, ["-c", program, folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const results: { outputs: Record<string, string>[]; metadata: Record<string, string> }[] = JSON.parse(
    await readFile(join(folder, "results.json"), "utf8"),
  );
  return Promise.all(
    results.map(async ({ outputs, metadata }) => ({
      metadata,
      outputs: await Promise.all(
        outputs.map(async (files) => {
          const entries = Object.entries(files).map(async ([name, path]) => {
            const bytes = await readFile(path);
            return [name, new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))];
          });
          return Object.fromEntries(await Promise.all(entries));
        }),
      ),
    })),
  );
}
