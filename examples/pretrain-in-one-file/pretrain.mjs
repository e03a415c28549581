/** KDC-MAE pretraining, from a folder of videos to a checkpoint: `node pretrain.mjs videos 20 model.safetensors`. */
import { createRng } from "@kdc-mae/core";
import * as data from "@kdc-mae/data";
import { createPipesDecoder, decodeAll, locateFfmpeg, openManifest } from "@kdc-mae/data/node";
import { adamW, createTrainStep, warmupCosine } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { kdcMae, objective } from "@kdc-mae/losses";
import { batchViews, complementaryViews } from "@kdc-mae/masking";
import { initModel, presets, pretrainForward } from "@kdc-mae/model";
import { saveCheckpoint } from "@kdc-mae/model/node";

const [folder = "videos", epochs = "20", file = "model.safetensors"] = process.argv.slice(2);
const rng = createRng(0);
const config = presets.tiny; // spectrograms of 192 frames by 64 bands, pictures of 64 by 64 pixels
const audio = { ...data.publishedAudio, melBins: 64, frames: 192 };
const size = 64;
const batchSize = 16;

// Every clip once through ffmpeg: its log-mel spectrogram and ten pictures stay in memory.
const { path } = await locateFfmpeg({ env: process.env });
const items = [];
for await (const item of (await openManifest(folder)).items()) items.push(item);
const { kept: clips, reasons } = await decodeAll(items, {
  decoder: createPipesDecoder(path),
  request: { sampleRate: audio.sampleRate, frames: { count: 10, limit: 10 }, size },
  concurrency: 2,
  keep: ({ waveform, frames }) => ({ spectrogram: data.spectrogramOf(waveform, audio), frames }),
});
console.log(`${clips.length} clips, left out: ${JSON.stringify(reasons)}`);

// Two views of each clip, three quarters hidden in each, no patch seen by both.
const masker = complementaryViews({ views: 2, ratio: 0.75 });

/** What the model sees of some clips at a step: patches, audio [B, N, P] and visual [B, N, P], and views of them. */
const makeBatch = (step, members) => {
  const stream = rng.fork(`step ${step}`);
  const samples = Array.from(members, (index) => {
    const { spectrogram, frames } = clips[index];
    return {
      audio: data.audioPatches(spectrogram, audio, config.audio),
      visual: data.visualPatches(frames[stream.integer(frames.length)], size, config.visual),
    };
  });
  return {
    patches: data.assembleBatch(samples),
    views: batchViews(samples.map((_, clip) => masker(config, stream.fork(clip)))),
  };
};

// Reconstruction of both, contrast, and agreement between views, by the paper's weights. Add a term of your own here.
const learned = objective(kdcMae);
const loss = (params, { patches, views }) => learned.compute(pretrainForward(config, params, patches, views));

// Model, gradients and all become one ONNX graph at the first step.
const train = createTrainStep(compiled(), loss, adamW({ weightDecay: 0.01 }), { clipNorm: 1 });
const state = train.init(initModel(config, rng.fork("init")));
const perEpoch = Math.floor(clips.length / batchSize);
const steps = perEpoch * Number(epochs);
const rate = warmupCosine({ rate: 1e-3, warmup: perEpoch, total: steps });
const order = (epoch) => data.shuffledOrder(clips.length, epoch, rng);
for (const { step, epoch, members } of data.batches({ order, count: clips.length, batchSize, until: steps })) {
  const { total, terms } = await train.step(state, makeBatch(step, members), rate(step));
  if ((step + 1) % perEpoch === 0) console.log(`epoch ${epoch + 1}: ${total.toFixed(3)}`, terms);
}
await train.dispose();

await saveCheckpoint(file, config, state.params);
console.log(`wrote ${file}`);
