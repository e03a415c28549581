import { type ClassifierMode, officialModes } from "@kdc-mae/model";
import { type Command, InvalidArgumentError, Option } from "commander";
import { exportGraphs, type WrittenGraph } from "../pipeline/export/export-graphs.js";
import { type GraphName, graphs } from "../pipeline/export/graphs.js";
import type { Dtype } from "../pipeline/export/metadata.js";
import { readAssume } from "../pipeline/run/assume.js";
import { folderBeside } from "../pipeline/share/hub-address.js";
import { print, remark } from "../terminal/print.js";
import { type AssumeChoice, expectModelFile, modelWords, properShare, withAssume } from "./options.js";

type ExportOptions = {
  readonly graphs?: readonly GraphName[];
  readonly dtype: Dtype;
  readonly mode?: ClassifierMode;
  readonly hidden?: number;
  readonly out?: string;
  readonly json?: true;
} & AssumeChoice;

const names = Object.keys(graphs) as GraphName[];

const graphList = (text: string): GraphName[] => {
  const given = text.split(",");
  const wrong = given.find((name) => !names.includes(name as GraphName));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not one of ${names.join(", ")}.`);
  return given as GraphName[];
};

/** Adds `kdc-mae export`. */
export function addExportCommand(program: Command): void {
  const command = program
    .command("export")
    .description("write a trained model as .onnx files: encoder, retrieval, classifier, inpainting")
    .argument("[model]", modelWords, "runs/demo/model.safetensors")
    .option(
      "--graphs <list>",
      `which graphs, separated by commas: ${names.join(", ")} (default: every graph the model can give, but for retrieval-audio and retrieval-visual)`,
      graphList,
    )
    .addOption(
      new Option("--dtype <dtype>", "how weights are stored")
        .choices(["float32", "float16", "int8"])
        .default("float32"),
    )
    .addOption(
      new Option("--mode <mode>", "what the classifier is given (default: what it was fine-tuned on)").choices(
        Object.keys(officialModes),
      ),
    )
    .option("--hidden <share>", "share of patches the inpainting graph does not see (default: 0.75)", properShare)
    .option("--out <folder>", "where the files go (default: onnx, beside the model)")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nEvery graph takes any number of clips, as patches; the file's metadata says how to make them.\n" +
        "float16 and int8 files are compared with float32 on clips of random numbers, and the difference is printed.\n" +
        "\nExample:\n  kdc-mae export runs/demo/model.safetensors --graphs retrieval --dtype int8\n",
    );
  withAssume(command).action(run);
}

async function run(model: string, { out, json, assume, ...options }: ExportOptions): Promise<void> {
  expectModelFile("export", model, "kdc-mae demo, pretrain or finetune");
  const written = await exportGraphs(model, {
    ...{ ...options, out: out ?? folderBeside(model, "onnx"), assume: await readAssume(assume) },
    onNote: (note) => remark(`${note}\n`),
    onWritten: (file) => {
      if (!json) print(inWords(file));
    },
  });
  if (json) print(`${JSON.stringify(written, null, 2)}\n`);
}

function inWords({ file, bytes, inputs, outputs, difference }: WrittenGraph): string {
  const lines = (arrow: string, ports: Readonly<Record<string, string>>) =>
    Object.entries(ports).map(([port, shape]) => {
      const apart = difference?.[port];
      return `  ${arrow} ${port} ${shape}${apart === undefined ? "" : `, ${(apart * 100).toFixed(3)} % from float32`}`;
    });
  return `${[`${file}  ${(bytes / 1e6).toFixed(2)} MB`, ...lines("in ", inputs), ...lines("out", outputs)].join("\n")}\n`;
}
