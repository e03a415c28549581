import type { ClipView, FloatTensor } from "@kdc-mae/core";
import { padFrames } from "@kdc-mae/data";
import type { Filled, Given, ModelFacts } from "../lab/model-work.js";
import { seeingOf } from "../media/eyes.js";
import { contextOf, drawSpectrogram, pictureOf, spanOf } from "./draw.js";
import { asked, byId, lasted, make, say } from "./elements.js";
import { showHeat } from "./heat.js";
import { beginPainting } from "./paint.js";
import { asItIsNow, shared } from "./state.js";
import { lab, media } from "./workers.js";

const note = byId("model-note");
const workNote = byId("work-note");

/** The clip and the chosen frame as a model is given them. */
export function given(): Given {
  const clip = shared.clip.value;
  if (clip === undefined) throw new Error("There is no clip yet: drop, choose or make one first");
  return { spectrogram: clip.seen.spectrogram, frame: clip.seen.frames[shared.frame.value] };
}

/** One filled view: picture and spectrogram, on the scale of the true one. */
export function filledFigure({ frame, spectrogram, error }: Filled, truth: FloatTensor, caption: string): HTMLElement {
  const [picture, sound] = [make("canvas", { className: "square" }), make("canvas")];
  contextOf(picture, frame.width, frame.height).putImageData(pictureOf(frame), 0, 0);
  const image = drawSpectrogram(spectrogram, ...spanOf(truth.data));
  contextOf(sound, image.width, image.height).putImageData(image, 0, 0);
  for (const [canvas, what] of [
    [picture, "picture"],
    [sound, "spectrogram"],
  ] as const) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${caption}, ${what} filled in`);
  }
  const errors = [
    ["picture", error.visual],
    ["sound", error.audio],
  ] as const;
  const told = errors.flatMap(([what, value]) => (Number.isNaN(value) ? [] : `${what} ${value.toFixed(3)}`));
  const words = `${caption}; mean squared error of what was hidden: ${told.join(", ")}`;
  return make("figure", { className: "pair" }, picture, sound, make("figcaption", {}, words));
}

/** Fills views in and shows them in a place. */
export async function fillIn(place: HTMLElement, where: HTMLElement, views: readonly ClipView[]): Promise<void> {
  const [what, isStill] = [given(), asItIsNow()];
  const { filled, milliseconds } = await lab.ask("fill", { given: what, views });
  if (!isStill()) return;
  const { columns, patch } = shared.eyes.value.grids.audio;
  const truth = padFrames(what.spectrogram, columns * patch);
  place.replaceChildren(...filled.map((one, index) => filledFigure(one, truth, `View ${index + 1}`)));
  say(where, `Filled in ${views.length === 1 ? "one view" : `${views.length} views`} in ${lasted(milliseconds)}.`);
}

function introduce({ name, parameters, engine, milliseconds, eyes }: ModelFacts, file: string): void {
  const { grids } = eyes;
  say(
    note,
    `${file}: ${name}, ${parameters.toLocaleString("en")} parameters, hears ${(grids.audio.columns * grids.audio.patch) / 100} s and sees ` +
      `${grids.visual.columns * grids.visual.patch} pixels. Runs on ${engine.name}` +
      `${engine.why === undefined ? "" : ` (no WebGPU: ${engine.why})`}. Read in ${lasted(milliseconds.read)}, engine opened in ${lasted(milliseconds.engine)}.`,
  );
  byId("model-work").hidden = false;
  shared.model.set({ file, facts: { name, parameters, engine, milliseconds, eyes } });
}

let loaded: { readonly file: Blob; readonly name: string } | undefined;

/** Takes a model in; the clip is then seen as it sees it. */
export const loadModel = (file: Blob, name: string): Promise<void> =>
  asked(note, async () => {
    say(note, `Reading ${name} …`);
    const engine = byId<HTMLSelectElement>("engine").value as "auto" | "webgpu" | "wasm";
    const facts = await lab.ask("load", { file, name, engine });
    loaded = { file, name };
    shared.eyes.set(facts.eyes);
    introduce(facts, name);
  });

/** Moments of the film at which the heat map is worked out: five a second. */
const perSecond = 5;

async function followSound(): Promise<void> {
  const clip = shared.clip.value;
  if (clip === undefined) throw new Error("There is no clip yet: drop, choose or make one first");
  const { seconds, size } = seeingOf(shared.eyes.value);
  const length = Math.min(clip.seen.facts.seconds, seconds);
  const times = Array.from({ length: Math.max(1, Math.floor(length * perSecond)) }, (_, step) => step / perSecond);
  say(workNote, `Decoding ${times.length} pictures …`);
  const isStill = asItIsNow();
  const frames = await media.ask("steps", { times, size });
  if (!isStill()) return;
  const { spectrogram } = clip.seen;
  const map = await lab.follow("heat", { spectrogram, frames }, (done) => {
    if (isStill()) say(workNote, `Heat map: ${String(done)} of ${times.length} moments …`);
  });
  if (!isStill()) return;
  showHeat(map, frames);
  const each = lasted(map.milliseconds / frames.length);
  say(
    workNote,
    `Heat map of ${frames.length} moments in ${lasted(map.milliseconds)}, ${each} each. Play the film: it follows the sound.`,
  );
}

async function showEmbeddings(): Promise<void> {
  const isStill = asItIsNow();
  const { audio, visual, joint, milliseconds } = await lab.ask("embed", given());
  if (!isStill()) return;
  const bars = (values: Float32Array, name: string) => {
    const canvas = make("canvas");
    const [low, high] = spanOf(values);
    const most = Math.max(Math.abs(low), Math.abs(high));
    const context = contextOf(canvas, values.length * 4, 60);
    context.fillStyle = getComputedStyle(document.body).color;
    for (const [at, value] of values.entries()) {
      const height = Math.max(1, (Math.abs(value) / most) * 30);
      context.fillRect(at * 4, value > 0 ? 30 - height : 30, 3, height);
    }
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${name}: ${values.length} numbers from ${low.toFixed(2)} to ${high.toFixed(2)}`);
    return make("figure", {}, canvas, make("figcaption", {}, `${name}, ${values.length} numbers`));
  };
  const cosine =
    audio.reduce((sum, value, at) => sum + value * visual[at], 0) / (Math.hypot(...audio) * Math.hypot(...visual));
  byId("embeddings").replaceChildren(
    make("div", { className: "views" }, bars(audio, "Sound"), bars(visual, "Picture"), bars(joint, "Both")),
  );
  say(workNote, `Embedded in ${lasted(milliseconds)}; cosine of sound and picture ${cosine.toFixed(3)}.`);
}

export function beginModelSection(): void {
  const chooser = byId<HTMLInputElement>("model-file");
  chooser.onchange = () => {
    const file = chooser.files?.[0];
    chooser.value = "";
    if (file) void loadModel(file, file.name);
  };
  addEventListener("model-dropped", ({ detail }) => void loadModel(detail, detail.name));
  byId("engine").onchange = () => {
    if (loaded) void loadModel(loaded.file, loaded.name);
  };
  const button = (id: string, work: () => Promise<void>) => {
    const element = byId<HTMLButtonElement>(id);
    element.onclick = () => asked(workNote, work, element);
  };
  button("fill", () => fillIn(byId("filled"), workNote, shared.views.value));
  button("follow", followSound);
  button("embed", showEmbeddings);
  beginPainting((views) => fillIn(byId("painted"), byId("paint-note"), views));
  // What was made of another clip or model does not stay.
  shared.clip.watch(() => {
    for (const id of ["filled", "embeddings", "painted"]) byId(id).replaceChildren();
    say(workNote, "");
  });
}

declare global {
  interface WindowEventMap {
    "model-dropped": CustomEvent<File>;
  }
}
