import { bothPasses, unmasked } from "../frames-and-passes.js";
import { type Protocol, varyProtocol } from "../protocol.js";
import type { FrameReduction } from "./frame-ranks.js";

/**
 * How retrieval is carried out: among all evaluated clips, or so many of every class; by the middle frame, or all frames of a
 * clip with all of another and what their similarities become; by the mean patch token or the global one.
 */
export type RetrievalConduct = {
  readonly task: "retrieval";
  readonly perClass?: number;
  readonly frames?: FrameReduction;
  readonly tokens?: "patches" | "global";
};

type RetrievalRecord = { readonly protocol: Protocol; readonly conduct: RetrievalConduct };

const numerals: Readonly<Record<number, string>> = { 5: "five" };

const retrieval = (perClass?: number): RetrievalRecord => ({
  conduct: { task: "retrieval", ...(perClass === undefined ? {} : { perClass }) },
  protocol: {
    name: perClass === undefined ? "retrieval-middle-frame" : `retrieval-${numerals[perClass]}-per-class`,
    task: "retrieval",
    frames: unmasked,
    mode: bothPasses,
    pooling: "mean of the audio tokens and mean of the visual tokens, L2-normalised",
    gallery: `${
      perClass === undefined
        ? "every evaluated clip once"
        : `${numerals[perClass]} test clips of every class, drawn by seed`
    }; the right answer is the other half of the same clip`,
    metrics: {
      r1: "share of queries with rank below 1; rank = number of gallery items with strictly greater cosine",
      r5: "share of queries with rank below 5",
      r10: "share of queries with rank below 10",
      medianRank: "median of rank + 1 (1 is best)",
    },
    notes: ["ties favour the model under this rank; the share of tied queries is reported beside it"],
  },
});

/** What becomes of two clips' frame similarities, in words. */
const reduced: Readonly<Record<FrameReduction, string>> = {
  max: "the largest of all F × F",
  mean: "the mean of all F × F",
  diagonal: "the mean over frames with the same number",
  "diagonal-max": "the largest over frames with the same number",
};

/** Retrieval by every frame with its sound, or by global tokens (CAV-MAE Sync). */
const syncRetrieval = (frames: FrameReduction | undefined, tokens: "patches" | "global"): RetrievalRecord => {
  const { protocol } = retrieval();
  const global = tokens === "global";
  return {
    conduct: { task: "retrieval", ...(frames === undefined ? {} : { frames }), tokens },
    protocol: varyProtocol(protocol, {
      name: `retrieval-${frames === undefined ? "middle-frame" : `frames-${frames}`}${global ? "-global" : ""}`,
      ...(frames === undefined
        ? {}
        : {
            frames:
              "every frame of the clip with the sound that goes with it in training (the window around it, or all), nothing hidden",
          }),
      pooling: [
        global
          ? "the global audio token and the global visual token, L2-normalised"
          : "mean of the audio tokens and mean of the visual tokens, L2-normalised",
        ...(frames === undefined ? [] : [`two clips are as similar as ${reduced[frames]} cosines of their frames`]),
      ].join("; "),
      ...(frames === undefined ? {} : { notes: ["intervals resample clips, not frames"] }),
    }),
  };
};

/** The protocols of retrieval. */
export const retrievalProtocols: readonly RetrievalRecord[] = [
  retrieval(),
  retrieval(5),
  syncRetrieval(undefined, "global"),
  ...(["patches", "global"] as const).flatMap((tokens) =>
    (["max", "mean", "diagonal", "diagonal-max"] as const).map((frames) => syncRetrieval(frames, tokens)),
  ),
];
