import {
  classificationFigures,
  type Figure,
  inpaintingFigures,
  localizationFigures,
  retrievalFigures,
} from "../figures.js";
import { numberText } from "./number-text.js";
import type { ReportInput } from "./report-input.js";

/** A cell of a table: text, or a figure, which each format writes in its own way. */
export type Cell = string | Pick<Figure, "value" | "kind" | "interval">;

/** A table of figures, before anything is written. */
export type Grid = { readonly head: readonly string[]; readonly rows: readonly (readonly Cell[])[] };

const modes = ["joint", "audio", "visual"] as const;
const directions = ["audioToVisual", "visualToAudio"] as const;

/** The figures with these keys, in that order. */
const pick = (figures: readonly Figure[], keys: readonly string[]): readonly Figure[] =>
  keys.map((key) => figures.find((figure) => figure.key === key) as Figure);

const baselineOf = ({ baseline, kind }: Figure): Cell => ({ value: baseline?.value ?? null, kind });

/** Accuracy and its relatives of the three probes. */
export function classificationGrid({ classification }: ReportInput): Grid | undefined {
  if (classification === undefined) return undefined;
  return {
    head: ["Mode", "Accuracy", "mAP", "AUC", "d′", "Calibration error"],
    rows: modes.map((mode) => [mode, ...classificationFigures(classification[mode])]),
  };
}

/** Ranks in both directions, and what chance gives. */
export function retrievalGrid({ retrieval }: ReportInput): Grid | undefined {
  if (retrieval === undefined) return undefined;
  const figures = retrievalFigures(retrieval);
  const of = (direction: (typeof directions)[number]) => figures.filter(({ key }) => key.startsWith(`${direction}.`));
  return {
    head: ["Direction", "R@1", "R@5", "R@10", "Median rank", "Tied"],
    rows: [
      ...directions.map((direction) => [
        of(direction)[0].of ?? "",
        ...of(direction),
        numberText(retrieval[direction].tied, "share"),
      ]),
      ["chance", ...of("audioToVisual").map(baselineOf), ""],
    ],
  };
}

/** Errors on hidden patches by mask. */
export function inpaintingGrid({ inpainting }: ReportInput): Grid | undefined {
  if (inpainting === undefined) return undefined;
  const rows = inpainting.flatMap((result) =>
    (["audio", "visual"] as const).map((modality) => {
      const [error, psnr] = pick(inpaintingFigures(result), [`${modality}.mse`, `${modality}.psnr`]);
      const { meanFill, intervals } = result[modality];
      const filled: Cell = { value: meanFill, kind: error.kind, interval: intervals.meanFill };
      const hidden = numberText(result.ratio[modality], "share");
      return [`${result.mask}, ${modality}`, hidden, error, filled, psnr, baselineOf(psnr)];
    }),
  );
  return { head: ["Mask", "Hidden", "Error", "Mean fill", "PSNR", "Mean fill"], rows };
}

/** Overlap with the true box, beside boxes in the centre and the best the grid allows. */
export function localizationGrid({ localization }: ReportInput): Grid | undefined {
  if (localization === undefined) return undefined;
  const { centreBox, centreHalfArea, oracle } = localization;
  const rows = [
    [`centre box, ${numberText(centreBox.side, "share")} of the side`, centreBox],
    ["centre box, half of the area", centreHalfArea],
    ["best on this grid", oracle],
  ] as const;
  const keys = ["ciou50", "auc", "ciou"] as const;
  return {
    head: ["", "cIoU@0.5", "AUC", "Mean cIoU"],
    rows: [
      ["model", ...pick(localizationFigures(localization), keys)],
      ...rows.map(([name, one]) => [
        name,
        ...keys.map((key): Cell => ({ value: one[key], kind: "share", interval: one.intervals[key] })),
      ]),
    ],
  };
}

/** Whether the sound has a visible source, and where; nothing where no frame was shown with another sound. */
export function detectionGrid({ localization }: ReportInput): Grid | undefined {
  if (!localization?.detection) return undefined;
  const { positives, negatives } = localization.detection;
  const figures = localizationFigures(localization);
  const tasks = [
    ["presence", "there is one"],
    ["located", "there is one, and it is shown (cIoU ≥ 0.5)"],
  ] as const;
  return {
    head: [`${positives} with, ${negatives} without a visible source`, "AP", "Best F1"],
    rows: tasks.flatMap(([task, name]) => {
      const own = figures.filter(({ of }) => of === task);
      return [
        [name, ...own],
        ["chance", ...own.map(baselineOf)],
      ];
    }),
  };
}
