import { join } from "node:path";
import { createRng, KdcError } from "@kdc-mae/core";
import { expectWritable, writeWhole } from "@kdc-mae/core/node";
import { randomViews } from "@kdc-mae/masking";
import type { ClassifierMode } from "@kdc-mae/model";
import type { ReadOptions } from "../run/read-saved.js";
import { differenceFromFloat32 } from "./difference.js";
import type { GraphName, GraphSettings } from "./graphs.js";
import { expectPossible, makeGraph, possibleGraphs, traceGraph } from "./make-graph.js";
import type { Dtype } from "./metadata.js";
import { type ExportSource, readExportSource } from "./source.js";

/** Which graphs {@link exportGraphs} writes, and how. */
export type ExportGraphsOptions = ReadOptions & {
  /** A folder for the files. */
  readonly out: string;
  /** All that the model can give, without the one-sided two, unless given. */
  readonly graphs?: readonly GraphName[];
  /** How weights are stored. */
  readonly dtype?: Dtype;
  /** What the classifier looks at; what it was tuned to unless given. */
  readonly mode?: ClassifierMode;
  /** Share of patches that the inpainting graph does not see. */
  readonly hidden?: number;
  /** Called after each file. */
  readonly onWritten?: (file: WrittenGraph) => void;
};

/** Options that one graph alone reads. */
const readBy = { mode: "classifier", hidden: "inpainting" } as const satisfies Record<string, GraphName>;

/** One file that was written. */
export type WrittenGraph = {
  readonly graph: GraphName;
  readonly dtype: Dtype;
  readonly file: string;
  readonly bytes: number;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  /** ‖this − float32‖ / ‖float32‖ of each output on made-up clips. */
  readonly difference?: Readonly<Record<string, number>>;
};

/**
 * Writes a trained model as .onnx files.
 *
 * @param model a file, or `hf://user/name`; within the trainer also what `readExportSource` made of one
 * @throws KdcError for a graph that the model has no parameters for
 */
export async function exportGraphs(
  model: string | ExportSource,
  options: ExportGraphsOptions,
): Promise<readonly WrittenGraph[]> {
  const source = typeof model === "string" ? await readExportSource(model, options) : model;
  const { out, dtype = "float32", onWritten } = options;
  const settings = settingsFor(source, options);
  const chosen = options.graphs ?? possibleGraphs(source).filter((name) => !name.startsWith("retrieval-"));
  for (const [option, graph] of Object.entries(readBy)) {
    if (options[option as keyof typeof readBy] === undefined || chosen.includes(graph)) continue;
    throw new KdcError({
      where: `--${option}`,
      what: `only the ${graph} graph uses it, and what is written is ${chosen.join(", ")}`,
      remedy: `Leave it out, or ask for --graphs ${graph}`,
      reason: "usage",
    });
  }
  for (const name of chosen) expectPossible(name, source);
  await expectWritable(out);
  const written: WrittenGraph[] = [];
  for (const name of chosen) {
    const made = await write(name, dtype, source, settings, out);
    written.push(made);
    onWritten?.(made);
  }
  return written;
}

function settingsFor(
  { config, mode: tuned = "multimodal" }: ExportSource,
  { mode = tuned, hidden = 0.75 }: ExportGraphsOptions,
): GraphSettings {
  const [{ audio, visual }] = randomViews({ views: 1, ratio: hidden })(config, createRng(0));
  return { mode, visible: { audio: audio.visible.length, visual: visual.visible.length } };
}

async function write(
  name: GraphName,
  dtype: Dtype,
  source: ExportSource,
  settings: GraphSettings,
  folder: string,
): Promise<WrittenGraph> {
  const { trace, graph, bytes } = makeGraph(name, dtype, source, settings);
  const file = join(folder, dtype === "float32" ? `${name}.onnx` : `${name}.${dtype}.onnx`);
  await writeWhole(file, bytes);
  const doors = (ports: typeof graph.inputs) =>
    Object.fromEntries(
      ports.map(({ name: port, dtype: type, shape, batch = [] }) => [
        port,
        `${type} [${shape.map((size, axis) => (batch.some((one) => one.axis === axis) ? "batch" : size)).join(", ")}]`,
      ]),
    );
  const difference =
    dtype === "float32"
      ? undefined
      : await differenceFromFloat32(trace, traceGraph(name, source, settings), source.config);
  return {
    ...{ graph: name, dtype, file, bytes: bytes.length },
    ...{ inputs: doors(graph.inputs), outputs: doors(graph.outputs) },
    ...(difference === undefined ? {} : { difference }),
  };
}
