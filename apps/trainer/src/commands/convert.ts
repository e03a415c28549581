import type { Command } from "commander";
import { readAssume } from "../pipeline/run/assume.js";
import { convertModel } from "../pipeline/run/convert.js";
import { print, remark } from "../terminal/print.js";
import { type AssumeChoice, many, withAssume } from "./options.js";

type ConvertOptions = AssumeChoice & { readonly json?: true };

/** Adds `kdc-mae convert`. */
export function addConvertCommand(program: Command): void {
  const command = program
    .command("convert")
    .description("write an official CAV-MAE or KDC-MAE checkpoint as a self-contained file")
    .argument("<checkpoint>", "a .pth or .safetensors of the official code")
    .argument("<out>", "the .safetensors to write")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nSizes are read from the tensors; what they do not say is assumed, printed and written down.\n" +
        "\nExamples:\n  kdc-mae convert cav-mae-scale++.pth cav-mae.safetensors\n" +
        "  kdc-mae convert vgg_65.5.pth vgg.safetensors --assume classes=class_labels_indices_vgg.csv\n",
    );
  withAssume(command).action(run);
}

async function run(from: string, to: string, { assume, json }: ConvertOptions): Promise<void> {
  const written = await convertModel(from, to, {
    assume: await readAssume(assume),
    onNote: (note) => remark(`${note}\n`),
  });
  const { file, kind, classes, unused } = written;
  print(
    json
      ? `${JSON.stringify(written, null, 2)}\n`
      : `${file}: ${kind}${classes === undefined ? "" : `, ${many(classes, "class", "classes")}`}; ${many(unused, "tensor")} carried along unused\n`,
  );
}
