import { type Clip, createRng } from "@kdc-mae/core";
import { defaultOptions, describeClip, kinds, renderFrames, renderSound } from "@kdc-mae/data";
import { type ClipForm, type StoredClip, storeClip } from "@kdc-mae/trainer/recipe";

/** Clip number `index` of the demo's set, rendered and not encoded: the same plan as `kdc-mae demo` makes. */
export function madeClip(seed: number, index: number): Clip {
  const kind = kinds[index % kinds.length];
  const id = `train-${String(index).padStart(5, "0")}`;
  const plan = describeClip(createRng(`${seed}/train`).fork(id), defaultOptions, kind);
  const { frames } = renderFrames(plan);
  return { item: { id, path: `${id}.mp4`, labels: [kind], split: "train" }, waveform: renderSound(plan), frames };
}

/** Clips in memory; gives way after each, so that the worker answers meanwhile. */
export async function madeClips(
  form: ClipForm,
  { seed, count }: { readonly seed: number; readonly count: number },
  onMade: (made: number) => void = () => undefined,
): Promise<readonly StoredClip[]> {
  const clips: StoredClip[] = [];
  for (let index = 0; index < count; index++) {
    clips.push(storeClip(madeClip(seed, index), form));
    onMade(clips.length);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return clips;
}
