import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRng, KdcError } from "@kdc-mae/core";
import { writeWhole } from "@kdc-mae/core/node";
import { randomViews } from "@kdc-mae/masking";
import { type ClassifierMode, officialModes } from "@kdc-mae/model";
import { type Command, InvalidArgumentError, Option } from "commander";
import { differenceFromFloat32 } from "../pipeline/export/difference.js";
import { type GraphName, type GraphSettings, graphs } from "../pipeline/export/graphs.js";
import { type Dtype, makeGraph, possibleGraphs, traceGraph } from "../pipeline/export/make-graph.js";
import { type ExportSource, readExportSource } from "../pipeline/export/source.js";

type ExportOptions = {
  readonly graphs?: readonly GraphName[];
  readonly dtype: Dtype;
  readonly mode?: ClassifierMode;
  readonly hidden: number;
  readonly out?: string;
  readonly json?: true;
};

/** One file that was written. */
type Written = {
  readonly graph: GraphName;
  readonly dtype: Dtype;
  readonly file: string;
  readonly bytes: number;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  /** ‖this − float32‖ / ‖float32‖ of each output on made-up clips. */
  readonly difference?: Readonly<Record<string, number>>;
};

const names = Object.keys(graphs) as GraphName[];

const graphList = (text: string): GraphName[] => {
  const given = text.split(",");
  const wrong = given.find((name) => !names.includes(name as GraphName));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not one of ${names.join(", ")}.`);
  return given as GraphName[];
};

const share = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("Give a number between 0 and 1.");
  return value;
};

/** Adds `kdc-mae export`. */
export function addExportCommand(program: Command): void {
  program
    .command("export")
    .description("write a trained model as .onnx files: encoder, retrieval, classifier, inpainting")
    .argument("[model]", "a model.safetensors that kdc-mae wrote", "runs/demo/model.safetensors")
    .option(
      "--graphs <list>",
      `of ${names.join(",")} (default: all the model can, without the one-sided two)`,
      graphList,
    )
    .addOption(
      new Option("--dtype <dtype>", "how weights are stored")
        .choices(["float32", "float16", "int8"])
        .default("float32"),
    )
    .addOption(
      new Option("--mode <mode>", "what the classifier looks at (default: what it was tuned to)").choices(
        Object.keys(officialModes),
      ),
    )
    .option("--hidden <share>", "share of patches the inpainting graph does not see", share, 0.75)
    .option("--out <folder>", "where the files go (default: onnx, beside the model)")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nEvery graph takes any number of clips, as patches; what it takes to make them is in the file's metadata.\n" +
        "float16 and int8 files are compared with float32 on made-up clips, and the difference is printed.\n" +
        "\nExample:\n  kdc-mae export runs/demo/model.safetensors --graphs retrieval --dtype int8\n",
    )
    .action(run);
}

async function run(model: string, options: ExportOptions): Promise<void> {
  if (!existsSync(model)) {
    throw new KdcError({
      where: "export",
      what: `there is no model ${model}`,
      remedy: "Run kdc-mae demo, pretrain or finetune first, or name another file",
      reason: "no-model",
    });
  }
  const source = await readExportSource(model);
  const settings = settingsFor(source, options);
  const folder = options.out ?? join(dirname(model), "onnx");
  await mkdir(folder, { recursive: true });
  const chosen = options.graphs ?? possibleGraphs(source).filter((name) => !name.startsWith("retrieval-"));
  const written: Written[] = [];
  for (const name of chosen) {
    const made = await write(name, options.dtype, source, settings, folder);
    written.push(made);
    if (!options.json) process.stdout.write(inWords(made));
  }
  if (options.json) process.stdout.write(`${JSON.stringify(written, null, 2)}\n`);
}

function settingsFor(
  { config, mode: tuned = "multimodal" }: ExportSource,
  { mode = tuned, hidden }: ExportOptions,
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
): Promise<Written> {
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

function inWords({ file, bytes, inputs, outputs, difference }: Written): string {
  const lines = (arrow: string, ports: Readonly<Record<string, string>>) =>
    Object.entries(ports).map(([port, shape]) => {
      const apart = difference?.[port];
      return `  ${arrow} ${port} ${shape}${apart === undefined ? "" : `, ${(apart * 100).toFixed(3)} % from float32`}`;
    });
  return `${[`${file}  ${(bytes / 1e6).toFixed(2)} MB`, ...lines("in ", inputs), ...lines("out", outputs)].join("\n")}\n`;
}
