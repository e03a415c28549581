import type { PageWindow, StreamName } from "../map/index-files.js";
import { contextOf } from "./draw.js";
import { asked, byId, make, say } from "./elements.js";
import { given } from "./model-section.js";
import { lab, map } from "./workers.js";

const note = byId("search-note");

/** Films by their path, of a folder that was chosen; else those that are served. */
let films: readonly File[] = [];
let isServed = false;

/** Where a film of the index is played from. */
function addressOf(name: string): string | undefined {
  const file = films.find(({ webkitRelativePath }) => webkitRelativePath.split("/").slice(1).join("/") === name);
  if (file !== undefined) return URL.createObjectURL(file);
  return isServed ? `run/films/${name.split("/").map(encodeURIComponent).join("/")}` : undefined;
}

function playerOf({ name, start }: PageWindow): Node {
  const address = addressOf(name);
  if (address === undefined) return make("span", {}, " (choose the films' folder to play it)");
  const player = make("video", {
    src: start > 0 ? `${address}#t=${start}` : address,
    controls: true,
    preload: "metadata",
  });
  player.setAttribute("aria-label", name);
  return player;
}

/** A window in words. */
const wordsOf = ({ name, start }: PageWindow): string => (start > 0 ? `${name} at ${start.toFixed(1)} s` : name);

/** What stands for a clip's label: the folder it lies in. */
const labelOf = (name: string): string => name.split("/").slice(-2, -1)[0] ?? "no folder";

async function open(files: readonly { readonly name: string; readonly file: Blob }[], base?: string): Promise<void> {
  say(note, "Reading the index …");
  const { clips, model } = await map.ask("open", { files, base });
  byId("search-work").hidden = false;
  byId("found").replaceChildren();
  byId("map-figure").hidden = true;
  say(note, `${clips} clips, by the model ${model.name} (${model.sha256.slice(0, 12)}…).`);
  indexed = model;
}

let indexed: { readonly name: string; readonly sha256: string } | undefined;

async function find(): Promise<void> {
  const by = byId<HTMLSelectElement>("ask-by").value as StreamName;
  const among = byId<HTMLSelectElement>("ask-among").value;
  if (by === "joint" && among !== "same")
    throw new Error("Sound and picture together can only be compared with sound and picture together");
  const own = await lab.ask("fingerprint");
  if (own !== undefined && indexed !== undefined && own !== indexed.sha256) {
    throw new Error(
      `The index was made with another model: ${indexed.name} (${indexed.sha256.slice(0, 12)}…). Choose that one above`,
    );
  }
  const vectors = await lab.ask("embed", given());
  const found = await map.ask("nearest", {
    among: among === "same" ? by : (among as StreamName),
    query: vectors[by],
    count: 10,
  });
  byId("found").replaceChildren(
    ...found.map(({ cosine, ...window }) =>
      make("li", {}, `${wordsOf(window)}, cosine ${cosine.toFixed(4)}`, playerOf(window)),
    ),
  );
  say(note, found.length === 1 ? "The nearest clip." : `The ${found.length} nearest clips.`);
}

/** Colours that stay apart, as many as there are labels. */
const colourOf = (at: number, all: number): string => `hsl(${Math.round((360 * at) / Math.max(1, all))} 70% 55%)`;

async function drawMap(): Promise<void> {
  const among = byId<HTMLSelectElement>("ask-by").value as StreamName;
  say(note, "Drawing the map …");
  const { windows, points } = await map.follow("map", among, (epoch) =>
    say(note, `Drawing the map: round ${String(epoch)} …`),
  );
  byId("map-figure").hidden = false;
  const canvas = byId<HTMLCanvasElement>("map");
  const labels = [...new Set(windows.map(({ name }) => labelOf(name)))].sort();
  const spans = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const { width, height } = canvas;
  const along = (axis: number, value: number, size: number) => {
    const [low, high] = spans[axis];
    return 16 + ((size - 32) * (value - low)) / (high - low || 1);
  };
  const places = points.map(([x, y]) => [along(0, x, width), along(1, y, height)] as const);
  let chosen = -1;
  const draw = () => {
    const context = contextOf(canvas, width, height);
    for (const [at, [x, y]] of places.entries()) {
      context.fillStyle = colourOf(labels.indexOf(labelOf(windows[at].name)), labels.length);
      context.beginPath();
      context.arc(x, y, at === chosen ? 10 : 5, 0, 2 * Math.PI);
      context.fill();
    }
  };
  const choose = (at: number, plays: boolean) => {
    chosen = at;
    draw();
    say(byId("map-note"), wordsOf(windows[at]));
    if (plays) byId("found-player").replaceChildren(make("p", {}, wordsOf(windows[at])), playerOf(windows[at]));
  };
  canvas.onclick = ({ offsetX, offsetY }) => {
    const [x, y] = [(offsetX / canvas.clientWidth) * width, (offsetY / canvas.clientHeight) * height];
    const far = places.map(([left, top]) => Math.hypot(left - x, top - y));
    choose(far.indexOf(Math.min(...far)), true);
  };
  canvas.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step !== undefined) choose((chosen + step + windows.length) % windows.length, false);
    else if (event.key === "Enter" && chosen >= 0) choose(chosen, true);
    else return;
    event.preventDefault();
  };
  byId("map-labels").replaceChildren(
    ...labels.map((label, at) => {
      const dot = make("span");
      dot.style.background = colourOf(at, labels.length);
      return make("li", {}, dot, label);
    }),
  );
  draw();
  say(note, `${windows.length} clips on the map, coloured by their folder.`);
}

export function beginSearchSection(): void {
  const index = byId<HTMLInputElement>("index-folder");
  index.onchange = () =>
    void asked(note, () => open([...(index.files ?? [])].map((file) => ({ name: file.name, file }))));
  const media = byId<HTMLInputElement>("media-folder");
  media.onchange = () => {
    films = [...(media.files ?? [])];
    say(note, films.length === 1 ? "1 file can be played." : `${films.length} files can be played.`);
  };
  const button = (id: string, work: () => Promise<void>) => {
    const element = byId<HTMLButtonElement>(id);
    element.onclick = () => asked(note, work, element);
  };
  button("ask", find);
  button("draw-map", drawMap);
}

/** Opens what `kdc-mae explore --index` serves. */
export async function openServed({
  index,
  films: served,
}: {
  readonly index: boolean;
  readonly films: boolean;
}): Promise<void> {
  isServed = served;
  if (index) await asked(note, () => open([], new URL("run/index/", location.href).href));
}
