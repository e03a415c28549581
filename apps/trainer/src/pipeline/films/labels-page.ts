import type { LabelledFile, LabelsPage } from "@kdc-mae/eval/report";
import { addressFrom, kindOf } from "../search/search-page.js";
import type { ClassifiedFile, ClassifiedWindow } from "./classify-files.js";

const passes: Readonly<Record<ClassifiedWindow["mode"], string>> = {
  multimodal: "by sound and picture",
  "audio-only": "by sound, as the model was fine-tuned",
  "visual-only": "by picture, as the model was fine-tuned",
  "missing-visual": "by sound alone",
  "missing-audio": "by picture alone",
};

/** How a file was looked at, in a few words. */
export const passesInWords = ({ windows }: Pick<ClassifiedFile, "windows">): string =>
  [...new Set(windows.map(({ mode }) => passes[mode]))].join(" and ");

/** What probabilities mean, in a sentence. */
export const linkInWords: Readonly<Record<ClassifiedFile["link"], string>> = {
  softmax: "fine-tuned on one class per clip: probabilities are a softmax over the classes and sum to 1",
  sigmoid: "fine-tuned on any number of classes per clip: each probability is a sigmoid of its own",
};

/** Windows whose likeliest label is the same and that follow each other, as one; labels are their mean. */
export function stretchesOf(windows: ClassifiedFile["windows"]): LabelledFile["stretches"] {
  const runs: ClassifiedWindow[][] = [];
  for (const window of windows) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const goesOn = before?.labels[0].label === window.labels[0].label && window.start <= before.end + 1e-3;
    if (goesOn) run?.push(window);
    else runs.push([window]);
  }
  return runs.map((run) => {
    const labels = run[0].labels.slice(0, 3).map(({ label }) => {
      const known = run.flatMap((window) => window.labels.filter((one) => one.label === label));
      return { label, probability: known.reduce((sum, { probability }) => sum + probability, 0) / known.length };
    });
    return { start: run[0].start, end: run[run.length - 1].end, labels: labels.slice(0, run.length > 1 ? 1 : 3) };
  });
}

/** Results as a page shows them. @param page where it will lie */
export const labelsPage = (files: readonly ClassifiedFile[], model: string, page: string): LabelsPage => ({
  title: "What is heard and seen",
  summary: `Named by ${model}, ${linkInWords[files[0]?.link ?? "softmax"]}.`,
  files: files.map((one) => ({
    ...{ label: one.file, kind: kindOf(one.file), address: addressFrom(page, one.file) },
    ...{ note: passesInWords(one), labels: one.labels, stretches: stretchesOf(one.windows) },
  })),
});
