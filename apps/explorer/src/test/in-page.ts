/**
 * What tests ask a page from outside. A driver sends each of these as source, so that every one stands alone; large
 * answers are JSON, which all drivers carry whole.
 */
import type { ClipView } from "@kdc-mae/core";
import type { PageClip } from "../page/state.js";

type Page = {
  readonly explorer: {
    readonly clip: { readonly value: PageClip };
    readonly frame: { readonly value: number };
    readonly views: { readonly value: readonly ClipView[] };
    readonly losses: ReadonlyMap<string, readonly (readonly [step: number, total: number])[]>;
  };
};

/** A clip that a page holds, in plain lists. */
export type HeldClip = {
  readonly shape: readonly [number, number];
  readonly spectrogram: readonly number[];
  readonly samples: readonly number[];
  /** Pixels of its frames. */
  readonly frames: readonly (readonly number[])[];
  /** The frame that is masked. */
  readonly chosen: {
    readonly width: number;
    readonly height: number;
    readonly time: number;
    readonly data: readonly number[];
  };
};

/** The page's clip, {@link HeldClip} as JSON. */
export const clipHeld = (): string => {
  const { clip, frame } = (globalThis as unknown as Page).explorer;
  const { spectrogram, frames, waveform } = clip.value.seen;
  const { width, height, time, data } = frames[frame.value];
  return JSON.stringify({
    shape: spectrogram.shape,
    spectrogram: [...spectrogram.data],
    samples: [...waveform.samples],
    frames: frames.map((one) => [...one.data]),
    chosen: { width, height, time, data: [...data] },
  });
};

/** Which patches each view sees, as JSON. */
export const viewsDealt = (): string =>
  JSON.stringify(
    (globalThis as unknown as Page).explorer.views.value.map((view) => [
      [...view.audio.visible],
      [...view.visual.visible],
    ]),
  );

/** Every loss of a run so far, as JSON. */
export const lossesOfRun = (run: string): string =>
  JSON.stringify((globalThis as unknown as Page).explorer.losses.get(run) ?? []);

/** Red, green and blue of every pixel that a canvas shows, as JSON. */
export const pixelsOf = (selector: string): string => {
  const canvas = document.querySelector(selector) as HTMLCanvasElement;
  const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
  return JSON.stringify([...data].filter((_, at) => at % 4 < 3));
};

/** Sets a control as a hand does. */
export const setControl = ([id, value]: readonly [id: string, value: string]): void => {
  const control = document.getElementById(id) as HTMLInputElement;
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
};

/** Drops a file on the page; its bytes in base 64. */
export const dropFile = ([name, type, bytes]: readonly [name: string, type: string, bytes: string]): void => {
  const data = new DataTransfer();
  const raw = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  data.items.add(new File([raw], name, { type }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
};
