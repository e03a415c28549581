import type { Experiment } from "../pipeline/experiment/schema.js";

type Named = Pick<Experiment, "data" | "training"> & { readonly model?: Pick<Experiment["model"], "preset"> };

const dataInWords = (data: Experiment["data"]): string =>
  data.kind === "synthetic"
    ? `${data.train.toLocaleString("en")} synthetic clips`
    : "your own clips (--set data.path=…)";

/** Experiments that ship, a line each, for a command's help: name, size of the model, epochs, data. */
export function listNamed(known: Readonly<Record<string, Named>>): string {
  const widest = Math.max(...Object.keys(known).map((name) => name.length));
  const lines = Object.entries(known).map(([name, { model, data, training }]) => {
    const size = model === undefined ? "the checkpoint's size" : `size ${model.preset}`;
    return `  ${name.padEnd(widest)}  ${size}, ${training.epochs} epochs of ${dataInWords(data)}`;
  });
  return `\nExperiments that come with kdc-mae:\n${lines.join("\n")}\n`;
}
