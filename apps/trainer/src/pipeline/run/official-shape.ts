import type { HostTensor } from "@kdc-mae/core";
import { imageNet } from "@kdc-mae/data";
import { type ModelConfig, type OfficialModel, officialModel } from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import type { Assume, Assumption } from "./assume.js";
import { inCheckpoint } from "./in-checkpoint.js";

/** CAV-MAE's dataloader: its mean and deviation of AudioSet's log-mel values, and the rate it wants. */
const method = { statistics: { mean: -5.081, std: 4.4849 }, sampleRate: 16_000 } as const;

/** An official checkpoint's sizes and normalisation, and what of them was assumed. */
export type OfficialShape = OfficialModel & {
  readonly statistics: Statistics;
  readonly assumed: readonly Assumption[];
};

/**
 * What every official checkpoint is read with: its sizes from the tensors, the rest the method's or as assumed.
 *
 * @throws KdcError saying why the file is no such checkpoint
 */
export function officialShape(
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  assume: Assume,
): OfficialShape {
  const official = inCheckpoint(path, () => officialModel(tensors, assume));
  const statistics: Statistics = {
    ...(assume.statistics ?? method.statistics),
    ...(assume.sampleRate === undefined ? {} : { sampleRate: assume.sampleRate }),
  };
  return { ...official, statistics, assumed: assumptions(official.config, statistics, assume) };
}

/** What is assumed of every official model, in the words of whoever might know better. */
function assumptions(config: ModelConfig, statistics: Statistics, assume: Assume): Assumption[] {
  const { heads, embedDim, audio } = config;
  const { mean, std, sampleRate = method.sampleRate } = statistics;
  const pictures = assume.pictures ?? imageNet;
  return [
    {
      what: `log-mel values are normalised with mean ${mean} and deviation ${std}`,
      change: "statistics=MEAN,STD",
    },
    { what: `sound of ${sampleRate} Hz`, change: "sample-rate=HZ" },
    { what: `${audio.rows * audio.patch} mel bins`, change: "mel-bins=N" },
    {
      what: `pictures are normalised with mean ${pictures.mean.join(" ")} and deviation ${pictures.std.join(" ")} (red, green, blue)`,
      change: "pictures=R,G,B,R,G,B",
    },
    { what: `${heads} heads (of ${embedDim / heads} channels)`, change: "heads=N" },
  ];
}
