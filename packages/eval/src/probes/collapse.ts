import type { Probe } from "./probe.js";

/** One sign that a model has stopped telling clips apart. */
export type CollapseSign = {
  readonly sign: "rank" | "uniformity" | "contrast";
  readonly what: string;
  readonly remedy: string;
};

/** When something is a sign. */
export type CollapseRule = {
  /** Of the rank a stream could have (the shorter of clips and channels): below that share it has collapsed. */
  readonly rankShare: number;
  /** How far uniformity is above the best it had. */
  readonly uniformityRise: number;
  /** Nearer to 0 than that, whatever it was before: clips lie in one place. */
  readonly onePlace: number;
  /** How many probes one after another have to say so. */
  readonly probes: number;
};

/**
 * Chosen, not fitted. Measured beside it: the demo's model after 32 updates used 9 to 12 directions of 64 (the floor is 2.9)
 * at a uniformity of −0.34 to −0.5; in 20,000 tiny updates that learned 80 clips by heart no stream used less than 7 of 24
 * (the floor is 1.7), and the joint one drew together by 0.98, to −0.28; distillation alone, which collapses, came to 1.2
 * to 1.6 of 24 and −0.0003 to −0.004 (`probe.test.ts` of the trainer).
 */
const collapseRule: CollapseRule = { rankShare: 0.03, uniformityRise: 1, onePlace: 0.02, probes: 3 };

const streams = ["audio", "visual", "joint"] as const;
const number = (value: number): string => value.toPrecision(3);

/**
 * What of a run's probes says that it has collapsed; nothing where it has not, or where there are too few of them.
 *
 * @param probes after the warm-up, oldest first
 * @param contrast whether clips are contrasted in training, so that retrieval should come above chance
 */
export function collapseSigns(
  probes: readonly Probe[],
  { contrast, rule = collapseRule }: { readonly contrast: boolean; readonly rule?: CollapseRule },
): readonly CollapseSign[] {
  const last = probes.slice(-rule.probes);
  if (last.length < rule.probes) return [];
  const now = last[last.length - 1];
  const signs: CollapseSign[] = [];
  for (const stream of streams) {
    const floor = (probe: Probe) => 1 + rule.rankShare * (Math.min(probe.clips, probe.width) - 1);
    if (last.every((probe) => probe.rank[stream] < floor(probe))) {
      signs.push({
        sign: "rank",
        what: `${stream} embeddings use ${number(now.rank[stream])} directions of ${now.width} (RankMe of ${now.clips} clips; below ${number(floor(now))} is collapsed)`,
        remedy:
          "Lower optimizer.learningRate or give schedule.warmup; add the term variance-covariance; let a distillation's target be the teacher, which gets no gradient",
      });
    }
    const best = Math.min(...probes.map((probe) => probe.uniformity[stream]));
    const isOne = last.every((probe) => probe.uniformity[stream] > -rule.onePlace);
    if (isOne || last.every((probe) => probe.uniformity[stream] > best + rule.uniformityRise)) {
      signs.push({
        sign: "uniformity",
        what: `${stream} embeddings ${isOne ? "lie in one place" : "draw together"}: their uniformity was ${number(best)} and is ${number(now.uniformity[stream])} (0 is all in one place)`,
        remedy:
          "Give the contrastive term more weight or a lower temperature, distillation less; go back to a checkpoint before the rise and lower optimizer.learningRate",
      });
    }
  }
  // Two standard errors above what a random order finds.
  const { chance } = now.retrieval;
  const lucky = chance + 2 * Math.sqrt((chance * (1 - chance)) / now.clips);
  const found = ({ retrieval }: Probe) => (retrieval.audioToVisual + retrieval.visualToAudio) / 2;
  if (contrast && last.every((probe) => found(probe) <= lucky)) {
    signs.push({
      sign: "contrast",
      what: `sound finds its own picture first in ${number(100 * found(now))} % of ${now.clips} clips, where chance is ${number(100 * chance)} %`,
      remedy:
        "Raise the contrastive term's weight or training.batch (or accumulateContrast: cached), lower its temperature; look whether sound and picture of the clips belong together, and whether the training clips are so few that they are learned by heart",
    });
  }
  return signs;
}
