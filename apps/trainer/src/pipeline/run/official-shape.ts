import type { HostTensor } from "@kdc-mae/core";
import { imageNet } from "@kdc-mae/data";
import { type ModelConfig, type OfficialModel, officialModel } from "@kdc-mae/model";
import { framesIn, type Pairing } from "../corpus/clip-form.js";
import type { Statistics } from "../corpus/statistics.js";
import type { Assume, Assumption } from "./assume.js";
import { inCheckpoint } from "./in-checkpoint.js";
import { framesHeard } from "./pairing.js";

/** CAV-MAE's dataloader: its mean and deviation of AudioSet's log-mel values, and the rate it wants. */
const method = { statistics: { mean: -5.081, std: 4.4849 }, sampleRate: 16_000 } as const;

/** CAV-MAE Sync's dataloader: a clip of 1,024 spectrogram frames, and its pictures. */
const sync = { seconds: 10.24, framesPerClip: 16 } as const;

/** An official checkpoint's sizes and normalisation, and what of them was assumed. */
export type OfficialShape = OfficialModel & {
  readonly statistics: Statistics;
  /** Which sound goes with a picture, where it is not the whole clip's. */
  readonly pairing: Pairing;
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
  const pairing = pairingFor(official.config, assume);
  return { ...official, statistics, pairing, assumed: assumptions(official.config, statistics, pairing, assume) };
}

/** A model with the tokens of CAV-MAE Sync that hears less than a clip was trained on windows of it, one a picture. */
function pairingFor(config: ModelConfig, { clipSeconds = sync.seconds }: Assume): Pairing {
  const { globalToken = false, registers = 0, contrastHeads = 0 } = config;
  const window = framesHeard(config) / framesIn(1);
  if (!(globalToken || registers > 0 || contrastHeads > 0) || window >= clipSeconds) return {};
  return { framesPerClip: sync.framesPerClip, window, seconds: clipSeconds };
}

/** What is assumed of every official model, in the words of whoever might know better. */
function assumptions(
  config: ModelConfig,
  statistics: Statistics,
  { framesPerClip, window, seconds }: Pairing,
  assume: Assume,
): Assumption[] {
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
    ...(config.globalToken
      ? [{ what: "class tokens per modality are global tokens (CAV-MAE Sync)", change: "global-token=false" }]
      : []),
    ...(window === undefined
      ? []
      : [
          {
            what: `${framesPerClip} pictures of a clip of ${seconds} s, each with the ${window} s of sound around it`,
            change: "clip-seconds=SECONDS",
          },
        ]),
  ];
}
