import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "@kdc-mae/core/node";
import type { Figure, Interval } from "@kdc-mae/eval";
import { intervalText, type NumberKind, numberText, overText, type Results } from "@kdc-mae/eval/report";

/** One figure of a card: what was measured, how, and over how many of what. */
export type CardFigure = {
  readonly protocol: string;
  readonly name: string;
  readonly value: number;
  /** As it is printed. */
  readonly text: string;
  readonly interval: string;
  readonly baseline: string;
  /** What its interval resamples, and how many: `192 clips`. */
  readonly over: string;
};

const remedy = "Evaluate the run again, or take the file out of its folder";

type Measured = {
  readonly protocol: string;
  readonly evaluated: number;
  readonly recordings?: number;
  readonly warnings?: readonly string[];
};
type Bounds = Readonly<Record<string, Interval>>;
/** What `report.json` of a demo or an evaluation holds, as far as a card shows it. */
type ReportFile = {
  readonly retrieval?: Measured & {
    readonly chance: { readonly r1: number };
  } & Readonly<Record<"audioToVisual" | "visualToAudio", { readonly r1: number; readonly intervals: Bounds }>>;
  readonly classification?: { readonly majority: number } & Readonly<
    Record<"audio" | "visual" | "joint", Measured & { readonly accuracy: number; readonly intervals: Bounds }>
  >;
  readonly inpainting?: Measured &
    Readonly<
      Record<"audio" | "visual", { readonly mse: number; readonly meanFill: number; readonly intervals: Bounds }>
    >;
  readonly localization?: Measured & {
    readonly ciou50: number;
    readonly intervals: Bounds;
    readonly centreBox: { readonly ciou50: number };
  };
};

type Row = {
  readonly name: string;
  readonly kind: NumberKind;
  readonly value: number;
  readonly interval?: Interval;
  readonly baseline?: string;
  readonly over?: Figure["over"];
};

const shown = (
  { protocol, evaluated, recordings }: Measured,
  { name, kind, value, interval, baseline = "", over = { unit: "clips", count: evaluated, recordings } }: Row,
): CardFigure => {
  // Without a width nothing is known of other clips; a rank is a whole number, and may be sure.
  const isWidthless = kind !== "rank" && interval?.low === interval?.high;
  return {
    ...{ protocol, name, value, baseline, over: overText(over) },
    ...{ text: numberText(value, kind), interval: isWidthless ? "" : intervalText(interval, kind) },
  };
};

function reportFigures(report: ReportFile): CardFigure[] {
  const { retrieval, classification, inpainting, localization } = report;
  const share = (value: number) => numberText(value, "share");
  return [
    ...(["audioToVisual", "visualToAudio"] as const).flatMap((direction) => {
      if (retrieval === undefined) return [];
      const { r1, intervals } = retrieval[direction];
      const name = `R@1, ${direction === "audioToVisual" ? "sound to picture" : "picture to sound"}`;
      const baseline = `chance ${share(retrieval.chance.r1)}`;
      const over = { unit: "queries", count: retrieval.evaluated, recordings: retrieval.recordings } as const;
      return [shown(retrieval, { name, kind: "share", value: r1, interval: intervals.r1, baseline, over })];
    }),
    ...(["joint", "audio", "visual"] as const).flatMap((mode) => {
      if (classification === undefined) return [];
      const { accuracy, intervals } = classification[mode];
      const baseline = `commonest class ${share(classification.majority)}`;
      const row = { name: "accuracy", kind: "share", value: accuracy, interval: intervals.accuracy, baseline } as const;
      return [shown(classification[mode], row)];
    }),
    ...(["audio", "visual"] as const).flatMap((modality) => {
      if (inpainting === undefined) return [];
      const { mse, meanFill, intervals } = inpainting[modality];
      const baseline = `mean fill ${numberText(meanFill, "error")}`;
      const name = `squared error of hidden patches, ${modality}`;
      return [shown(inpainting, { name, kind: "error", value: mse, interval: intervals.mse, baseline })];
    }),
    ...(localization === undefined
      ? []
      : [
          shown(localization, {
            ...{ name: "cIoU@0.5", kind: "share", value: localization.ciou50 },
            interval: localization.intervals.ciou50,
            baseline: `centre box ${share(localization.centreBox.ciou50)}`,
          }),
        ]),
  ];
}

/** What a fine-tuning writes down of its epochs, in the words and units of figures under protocols. */
const epochFigures: Readonly<Record<string, Pick<Row, "name" | "kind">>> = {
  accuracy: { name: "accuracy", kind: "share" },
  mAP: { name: "mAP", kind: "share" },
  auc: { name: "AUC", kind: "share" },
  dPrime: { name: "d-prime", kind: "error" },
};

/** Every figure that was measured of a run's model and is kept beside it, with the warnings that were given. */
export async function cardFigures(
  folder: string,
): Promise<{ readonly figures: readonly CardFigure[]; readonly warnings: readonly string[] }> {
  const figures: CardFigure[] = [];
  const warnings: string[] = [];
  const report = join(folder, "report.json");
  if (existsSync(report)) {
    const made = (await readJson(report, remedy)) as ReportFile;
    figures.push(...reportFigures(made));
    for (const task of [made.retrieval, made.localization]) {
      warnings.push(...(task?.warnings ?? []).map((told) => `${task?.protocol}: ${told}`));
    }
  }
  const protocols = join(folder, "evaluation", "protocols.json");
  if (existsSync(protocols)) {
    const { results } = (await readJson(protocols, remedy)) as { readonly results: Results["sections"] };
    for (const { protocol, evaluated, recordings, figures: own, warnings: told } of results) {
      warnings.push(...told.map((warning) => `${protocol.name}: ${warning}`));
      for (const { name, kind, value, interval, baseline, over } of own) {
        if (value === null) continue;
        const beside =
          baseline === undefined || baseline.value === null
            ? ""
            : `${baseline.name} ${numberText(baseline.value, kind)}`;
        const row = { name, kind, value, interval, baseline: beside, over };
        figures.push(shown({ protocol: protocol.name, evaluated, recordings }, row));
      }
    }
  }
  const result = join(folder, "result.json");
  if (existsSync(result)) {
    const { last, intervals, recordings, evaluation } = (await readJson(result, remedy)) as {
      readonly last: Readonly<Record<string, number | null>>;
      /** Absent in results of earlier versions. */
      readonly intervals?: { readonly last: Bounds };
      readonly recordings?: number;
      readonly evaluation: {
        readonly evaluated: number;
        readonly split: string;
        readonly frames: "middle" | "all";
        readonly notes?: readonly string[];
      };
    };
    const pictures = evaluation.frames === "all" ? "every picture" : "middle picture";
    const protocol = `last epoch on the ${evaluation.split} clips, ${pictures}`;
    for (const [key, { name, kind }] of Object.entries(epochFigures)) {
      const value = last[key] ?? null;
      if (value === null) continue;
      const measured = { protocol, evaluated: evaluation.evaluated, recordings };
      figures.push(shown(measured, { name, kind, value, interval: intervals?.last[key] }));
    }
    warnings.push(...(evaluation.notes ?? []).map((told) => `${protocol}: ${told}`));
  }
  return { figures, warnings };
}
