import type { KindScores } from "../../classification/kind-scores.js";
import { type Figure, figuresOf, type HeadResult } from "../../figures.js";
import type { GroupedFigures } from "../../groups/group-figures.js";
import type { Evaluated } from "../../head.js";
import { numberText } from "../number-text.js";

/** A table of text, such as one line for every class. */
export type ResultTable = {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** Everything there is to say about one result, ready to be printed anywhere. */
export type ResultSection = Evaluated & {
  readonly figures: readonly Omit<Figure, "clips">[];
  readonly tables: readonly ResultTable[];
  readonly confusion?: { readonly kinds: readonly string[]; readonly counts: readonly (readonly number[])[] };
  readonly warnings: readonly string[];
  /** The figures by group, where they were asked for. */
  readonly groups?: GroupedFigures;
};

/** What a section has beside its figures. */
type Beside = Partial<Pick<ResultSection, "tables" | "confusion">>;

/** Classes that could not be ranked say why in place of their figures. */
const classRow = (row: KindScores, excluded: Readonly<Record<string, string>>): readonly string[] => [
  row.kind,
  String(row.positives),
  row.averagePrecision === null ? (excluded[row.kind] ?? "–") : numberText(row.averagePrecision, "share"),
  numberText(row.auc, "share"),
];

/** Tables beside the figures of a result. */
function beside(made: HeadResult): Beside {
  switch (made.head) {
    case "classification": {
      const { kinds, confusion, excluded } = made.result;
      const rows = kinds.map((row) => [
        ...classRow(row, excluded),
        ...[row.recall, row.precision].map((value) => numberText(value, "share")),
      ]);
      const head = ["class", "clips", "AP", "AUC", "recall", "precision"];
      return {
        tables: [{ title: "Every class", head, rows }],
        confusion: { kinds: kinds.map(({ kind }) => kind), counts: confusion },
      };
    }
    case "tagging": {
      const rows = made.result.kinds.map((row) => classRow(row, made.result.excluded));
      return { tables: [{ title: "Every class", head: ["class", "clips", "AP", "AUC"], rows }] };
    }
    case "inpainting": {
      const { result } = made;
      const rows = (["audio", "visual"] as const).map((modality) => [
        ...[modality, numberText(result.ratio[modality], "share"), numberText(result[modality].peak, "error")],
        result[modality].unit,
      ]);
      return { tables: [{ title: "What was hidden", head: ["modality", "hidden", "peak", "unit of PSNR"], rows }] };
    }
    case "localization": {
      const { centreBox, centreHalfArea, oracle, random } = made.result;
      const rows = [
        ["centre box, half of the side", centreBox] as const,
        ["centre box, half of the area", centreHalfArea] as const,
        ["best on this grid", oracle] as const,
        ["random maps", random] as const,
      ].map(([name, one]) => [name, ...[one.ciou50, one.auc, one.ciou].map((value) => numberText(value, "share"))]);
      return { tables: [{ title: "Beside it", head: ["", "cIoU@0.5", "AUC", "mean cIoU"], rows }] };
    }
    case "vggsounder": {
      const { given, alone } = made.result;
      const rows = [
        ...Object.entries(given).map(([name, one]) => [name, one.labels, String(one.clips)]),
        ...Object.values(alone).flatMap((one) => (one === null ? [] : [["both", one.labels, String(one.clips)]])),
      ];
      return { tables: [{ title: "Clips that have such labels", head: ["given", "labels", "clips"], rows }] };
    }
    default:
      return {};
  }
}

/** A result with all that is printed of it; scores by clip are left out. */
export function sectionOf(made: HeadResult): ResultSection {
  const { protocol, evaluated, recordings, leftOut } = made.result;
  return {
    ...{ protocol, evaluated, ...(recordings === undefined ? {} : { recordings }), leftOut },
    figures: figuresOf(made).map(({ clips: _, ...figure }) => figure),
    ...{ tables: [], ...beside(made) },
    warnings: "warnings" in made.result ? made.result.warnings : [],
  };
}
