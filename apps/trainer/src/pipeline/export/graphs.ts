import { countPatches, type HostTensor, type Modality, type PatchGrid, patchLength } from "@kdc-mae/core";
import { spec } from "@kdc-mae/engine";
import {
  type ClassifierMode,
  type ClassifierParams,
  classify,
  features,
  featuresOf,
  type ModelConfig,
  type ModelParams,
  pretrainForward,
} from "@kdc-mae/model";
import {
  add,
  div,
  mean,
  sqrt,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  zeros,
} from "@tensorflow/tfjs-core";

/** How many patches of each modality the inpainting graph is shown. */
export type Visible = { readonly audio: number; readonly visual: number };

/** What a graph is made for, beside the model. */
export type GraphSettings = { readonly mode: ClassifierMode; readonly visible: Visible };

type Params = ModelParams<Tensor> | ClassifierParams<Tensor>;
/** What a graph is traced on: parameters, and its inputs beside them. */
export type GraphInputs = { readonly params: Params } & { readonly [input: string]: Tensor };

/** A graph that can be written: its inputs for a number of clips, and a function of parameters and inputs. */
export type GraphPlan = {
  readonly inputs: (samples: number) => Readonly<Record<string, HostTensor>>;
  readonly fn: (inputs: GraphInputs) => Readonly<Record<string, Tensor>>;
};

/** Length one, so that a product of two is their cosine. */
const unit = (rows: Tensor2D): Tensor2D => div(rows, sqrt(add(sum(square(rows), -1, true), 1e-24)));

const patchesOf = (grid: PatchGrid, samples: number): HostTensor =>
  spec([samples, countPatches(grid), patchLength(grid)]);

const clips =
  (config: ModelConfig, modalities: readonly Modality[] = ["audio", "visual"]) =>
  (samples: number) =>
    Object.fromEntries(modalities.map((modality) => [modality, patchesOf(config[modality], samples)]));

const patches = ({ audio, visual }: GraphInputs) => ({ audio: audio as Tensor3D, visual: visual as Tensor3D });

const retrieval = (config: ModelConfig, modalities: readonly Modality[]): GraphPlan => ({
  inputs: clips(config, modalities),
  fn: (inputs) =>
    Object.fromEntries(
      modalities.map((modality) => {
        const tokens = featuresOf(config, inputs.params, modality, inputs[modality] as Tensor3D);
        return [`${modality}_embedding`, unit(mean(tokens, 1))];
      }),
    ),
});

const modalitiesOf: Readonly<Record<ClassifierMode, readonly Modality[]>> = {
  multimodal: ["audio", "visual"],
  "audio-only": ["audio"],
  "visual-only": ["visual"],
  "missing-visual": ["audio"],
  "missing-audio": ["visual"],
};

/** Positions of what is hidden are looked at by losses alone; the model checks how many there are. */
const view = (config: ModelConfig, modality: Modality, visible: Tensor) => ({
  visible: visible as Tensor2D,
  hidden: zeros([visible.shape[0], countPatches(config[modality]) - (visible.shape[1] ?? 0)], "int32") as Tensor2D,
});

/** The graphs, by name. B clips, N patches, P numbers in a patch, K visible patches, D channels. */
export const graphs = {
  /** audio `[B, Na, Pa]`, visual `[B, Nv, Pv]` → joint, audio and visual tokens, nothing hidden. */
  encoder: (config) => ({
    inputs: clips(config),
    fn: (inputs) => {
      const { joint, audio, visual } = features(config, inputs.params, patches(inputs));
      return { joint_tokens: joint, audio_tokens: audio, visual_tokens: visual };
    },
  }),
  /** Both → `audio_embedding` and `visual_embedding` `[B, D]`, of length one: a product is a cosine. */
  retrieval: (config) => retrieval(config, ["audio", "visual"]),
  "retrieval-audio": (config) => retrieval(config, ["audio"]),
  "retrieval-visual": (config) => retrieval(config, ["visual"]),
  /** What the mode needs of both → `logits` `[B, classes]`, before softmax or sigmoid. */
  classifier: (config, { mode }) => ({
    inputs: clips(config, modalitiesOf[mode]),
    fn: ({ params, ...given }) => ({ logits: classify(config, params as ClassifierParams<Tensor>, given, mode) }),
  }),
  /** Both, and `audio_visible`, `visual_visible` `[B, K]` int32: what may be seen → both as predicted, `[B, N, P]`. */
  inpainting: (config, { visible }) => ({
    inputs: (samples) => ({
      ...clips(config)(samples),
      audio_visible: spec([samples, visible.audio], "int32"),
      visual_visible: spec([samples, visible.visual], "int32"),
    }),
    fn: (inputs) => {
      const views = [
        {
          audio: view(config, "audio", inputs.audio_visible),
          visual: view(config, "visual", inputs.visual_visible),
        },
      ];
      const { views: made } = pretrainForward(config, inputs.params as ModelParams<Tensor>, patches(inputs), views);
      const { audio, visual } = made[0].reconstruction;
      return { audio_prediction: audio, visual_prediction: visual };
    },
  }),
} as const satisfies Readonly<Record<string, (config: ModelConfig, settings: GraphSettings) => GraphPlan>>;

export type GraphName = keyof typeof graphs;
