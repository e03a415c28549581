import { padFrames } from "@kdc-mae/data";
import { type Eyes, seeingOf } from "../media/eyes.js";
import type { SeenClip } from "../media/worker.js";
import { contextOf, drawSpectrogram, drawWaveform, pictureOf, spanOf } from "./draw.js";
import { asked, byId, lasted, make, say } from "./elements.js";
import { record } from "./record.js";
import { asItIsNow, shared } from "./state.js";
import { media } from "./workers.js";

const note = byId("clip-note");
const player = byId<HTMLVideoElement>("player");
const madePicture = byId<HTMLCanvasElement>("made-picture");

let madeSeed = 0;
let films = 0;

/** Sees the open clip as the model does. */
const lookAgain = (): Promise<void> =>
  asked(note, async () => {
    const isStill = asItIsNow();
    const seen = await media.ask("look", seeingOf(shared.eyes.value));
    const clip = shared.clip.value;
    if (clip !== undefined && isStill()) shared.clip.set({ ...clip, seen });
  });

function show(seen: SeenClip, eyes: Eyes, file?: Blob): void {
  const before = shared.clip.value?.address;
  const address = file && URL.createObjectURL(file);
  byId("clip-shown").hidden = false;
  player.hidden = address === undefined;
  madePicture.hidden = address !== undefined;
  if (address === undefined) player.removeAttribute("src");
  else player.src = address;
  if (before !== undefined) URL.revokeObjectURL(before);
  shared.frame.set(Math.floor(seen.frames.length / 2));
  shared.clip.set({ film: films++, seen, address });
  const { facts, milliseconds } = seen;
  const { pictures, sound } = facts;
  const decoded = milliseconds.sound + milliseconds.pictures;
  say(note, `${facts.name}: ${facts.seconds.toFixed(2)} s, decoded in ${lasted(decoded)}.`);
  byId("clip-facts").textContent =
    `${facts.container}; pictures ${pictures.codec} ${pictures.width} × ${pictures.height}; ` +
    `sound ${sound.codec} ${sound.sampleRate} Hz, ${sound.channels} channel${sound.channels === 1 ? "" : "s"}; ` +
    `sound ${lasted(milliseconds.sound)}, pictures ${lasted(milliseconds.pictures)}, log-mel ${lasted(milliseconds.spectrogram)}`;
  // The model was another when it was asked for.
  if (eyes !== shared.eyes.value) void lookAgain();
}

/** Draws what the model sees and hears. */
function draw(): void {
  const clip = shared.clip.value;
  if (clip === undefined) return;
  const { waveform, spectrogram, frames } = clip.seen;
  drawWaveform(byId("waveform"), waveform.samples);
  const { grids } = shared.eyes.value;
  const padded = padFrames(spectrogram, grids.audio.columns * grids.audio.patch);
  const image = drawSpectrogram(padded, ...spanOf(spectrogram.data));
  contextOf(byId("log-mel"), image.width, image.height).putImageData(image, 0, 0);
  const [T, bins] = spectrogram.shape;
  byId("log-mel-caption").textContent =
    `Log-mel spectrogram as the model hears it: ${T} frames of 10 ms, ${bins} bins, padded or cut to ${padded.shape[0]}`;
  const place = byId("frames");
  place.replaceChildren(
    ...frames.map((frame, index) => {
      const canvas = make("canvas");
      contextOf(canvas, frame.width, frame.height).putImageData(pictureOf(frame), 0, 0);
      const button = make("button", { type: "button", onclick: () => shared.frame.set(index) }, canvas);
      button.setAttribute("aria-label", `Frame at ${frame.time.toFixed(2)} s`);
      return button;
    }),
  );
  choose();
}

/** Marks the chosen frame. */
function choose(): void {
  const chosen = shared.frame.value;
  for (const [index, button] of [...byId("frames").children].entries()) {
    button.setAttribute("aria-pressed", String(index === chosen));
  }
  const frame = shared.clip.value?.seen.frames[chosen];
  if (frame) contextOf(madePicture, frame.width, frame.height).putImageData(pictureOf(frame), 0, 0);
}

/** Opens a film that was dropped, chosen or recorded. */
export const openClip = (file: Blob, name: string): Promise<void> =>
  asked(note, async () => {
    say(note, `Reading ${name} …`);
    const eyes = shared.eyes.value;
    show(await media.ask("open", { file, name, seeing: seeingOf(eyes) }), eyes, file);
  });

/** Makes a clip in this page. */
export const makeClip = (seed: number, kind?: string): Promise<void> =>
  asked(note, async () => {
    say(note, "Making a clip …");
    const eyes = shared.eyes.value;
    show(await media.ask("make", { seed, kind, seeing: seeingOf(eyes) }), eyes);
  });

export function beginClipSection(): void {
  const drop = byId("drop");
  const over = (event: DragEvent, isOver: boolean) => {
    event.preventDefault();
    drop.classList.toggle("over", isOver);
  };
  // The whole page takes a drop: a film let go beside the frame would else replace the page.
  addEventListener("dragover", (event) => over(event, true));
  addEventListener("dragleave", (event) => over(event, false));
  addEventListener("drop", (event) => {
    over(event, false);
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    if (/\.safetensors$/i.test(file.name)) dispatchEvent(new CustomEvent("model-dropped", { detail: file }));
    else void openClip(file, file.name);
  });
  const chooser = byId<HTMLInputElement>("file");
  chooser.onchange = () => {
    const file = chooser.files?.[0];
    chooser.value = "";
    if (file) void openClip(file, file.name);
  };
  byId("make").onclick = () => void makeClip(madeSeed++);
  const recorder = byId<HTMLButtonElement>("record");
  recorder.onclick = () =>
    asked(
      note,
      async () => {
        const seconds = Number(byId<HTMLInputElement>("record-seconds").value);
        const file = await record(seconds, (left) => say(note, `Recording: ${left} s left …`));
        await openClip(file, "your recording");
      },
      recorder,
    );
  shared.clip.watch(draw);
  shared.frame.watch(choose);
  // Another model sees other sizes.
  shared.eyes.watch(() => {
    if (shared.clip.value !== undefined) void lookAgain();
  });
}
