import { KdcError, type Modality, type Stream } from "@kdc-mae/core";
import { findProtocol, type Protocol, protocols } from "@kdc-mae/eval";

/** How a protocol is carried out: plain data beside the protocol's words. */
export type ProtocolPlan =
  | { readonly task: "classification"; readonly frames: "middle" | "all"; readonly missing?: Modality }
  | { readonly task: "linear-probe"; readonly stream: Stream }
  | { readonly task: "knn-probe"; readonly stream: Stream }
  | { readonly task: "few-shot"; readonly stream: Stream }
  | { readonly task: "vggsounder" }
  | { readonly task: "retrieval"; readonly perClass?: number }
  | {
      readonly task: "inpainting";
      readonly mask: "random" | "time" | "frequency" | "time-frequency";
      readonly ratio: number;
    }
  | {
      readonly task: "localization";
      readonly scoring: "ez-vsl" | "plain-iou";
      readonly negatives?: "silent" | "off-screen";
      /** Every frame with the sound around it: the audio tokens near it, or a window of sound with the rest hidden. */
      readonly overTime?: "tokens" | "windows";
    };

/** A protocol that the command line can carry out. */
export type RunnableProtocol = { readonly protocol: Protocol; readonly plan: ProtocolPlan };

const plans: Readonly<Record<string, ProtocolPlan>> = {
  "classification-middle-frame": { task: "classification", frames: "middle" },
  "classification-10-frames": { task: "classification", frames: "all" },
  "classification-missing-visual": { task: "classification", frames: "middle", missing: "visual" },
  "classification-missing-audio": { task: "classification", frames: "middle", missing: "audio" },
  "classification-10-frames-missing-audio": { task: "classification", frames: "all", missing: "audio" },
  "linear-probe-joint": { task: "linear-probe", stream: "joint" },
  "linear-probe-audio": { task: "linear-probe", stream: "audio" },
  "linear-probe-visual": { task: "linear-probe", stream: "visual" },
  ...Object.fromEntries(
    (["knn-probe", "few-shot"] as const).flatMap((task) =>
      (["joint", "audio", "visual"] as const).map((stream) => [
        `${task}-${stream}`,
        { task, stream } satisfies ProtocolPlan,
      ]),
    ),
  ),
  vggsounder: { task: "vggsounder" },
  "retrieval-middle-frame": { task: "retrieval" },
  "retrieval-five-per-class": { task: "retrieval", perClass: 5 },
  ...Object.fromEntries(
    (["random", "time", "frequency", "time-frequency"] as const).flatMap((mask) =>
      [50, 75, 90].map((percent) => [
        `inpainting-${mask}-${percent}`,
        { task: "inpainting", mask, ratio: percent / 100 } satisfies ProtocolPlan,
      ]),
    ),
  ),
  "localization-ez-vsl": { task: "localization", scoring: "ez-vsl" },
  "localization-plain-iou": { task: "localization", scoring: "plain-iou" },
  "localization-silent": { task: "localization", scoring: "ez-vsl", negatives: "silent" },
  "localization-off-screen": { task: "localization", scoring: "ez-vsl", negatives: "off-screen" },
  "localization-over-time": { task: "localization", scoring: "ez-vsl", overTime: "tokens" },
  "localization-sound-windows": { task: "localization", scoring: "ez-vsl", overTime: "windows" },
};

/** Every protocol that can be carried out. */
export const runnableProtocols: readonly RunnableProtocol[] = Object.entries(plans).map(([name, plan]) => ({
  protocol: findProtocol(protocols, name),
  plan,
}));

/**
 * The protocols of these names, in that order.
 *
 * @throws KdcError for a name that is none, with all names
 */
export const protocolsNamed = (names: readonly string[]): readonly RunnableProtocol[] =>
  names.map((name) => {
    const found = runnableProtocols.find(({ protocol }) => protocol.name === name);
    if (found !== undefined) return found;
    throw new KdcError({
      where: "evaluate --protocol",
      what: `there is no protocol named ${JSON.stringify(name)}`,
      remedy: `Use one of ${Object.keys(plans).join(", ")}`,
      reason: "usage",
    });
  });
