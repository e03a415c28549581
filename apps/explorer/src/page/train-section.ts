import type { Asked } from "../calls/ask.js";
import type { NamedFile } from "../lab/film-clips.js";
import type { Step } from "../lab/run.js";
import type { RunWish } from "../lab/run-wish.js";
import type { TrainNews, Watched } from "../lab/train-work.js";
import type { LabWork } from "../lab/worker.js";
import { drawCurves } from "./curves.js";
import { contextOf, pictureOf, warmth } from "./draw.js";
import { asked, byId, make, say } from "./elements.js";
import { filledFigure, loadModel } from "./model-section.js";
import { shared } from "./state.js";
import { openLab } from "./workers.js";

/** A term to begin with, for whoever wants to write one: views that are as long as one another. */
const exampleTerm = `// Sound and picture of a view are to be equally long.
const long = (tokens) => tf.sqrt(tf.sum(tf.square(tf.mean(tokens, 1)), 1));
return {
  name: "same-length",
  needs: () => ({ views: 1, encoded: ["audio", "visual"] }),
  compute: ({ views }) => tf.tidy(() => tf.mean(tf.stack(views.map(({ encoded }) =>
    tf.mean(tf.square(tf.sub(long(encoded.audio), long(encoded.visual)))))))),
};`;

/** One run on the page, with a lab of its own. */
class RunPanel {
  private readonly lab: Asked<LabWork>;
  private readonly root: HTMLElement;

  constructor(private readonly name: string) {
    this.lab = openLab(`run ${name}`);
    this.history = [];
    const template = byId<HTMLTemplateElement>("run-template").content.cloneNode(true) as DocumentFragment;
    this.root = template.querySelector(".run") as HTMLElement;
    (this.root.querySelector("h3") as HTMLElement).textContent = `Run ${name}`;
    this.root.dataset.run = name;
    byId("runs").append(template);
    this.part<HTMLTextAreaElement>("term").placeholder = exampleTerm;
    const button = (is: string, work: () => Promise<void>) => {
      const element = this.part<HTMLButtonElement>(is);
      element.onclick = () => asked(this.note, work, is === "pause" ? undefined : element);
    };
    button("check", () => this.check());
    button("start", () => this.train());
    button("pause", () => this.pause());
    button("save", () => this.save());
    button("use", async () => {
      await loadModel(new Blob([await this.bytes()]), `run-${this.name.toLowerCase()}.safetensors`);
      byId("model").scrollIntoView();
    });
    button("forget", async () => {
      await this.lab.ask("forget", this.name);
      this.history = [];
      this.draw();
      for (const is of ["watched", "losses"]) this.part(is).replaceChildren();
      for (const is of ["save", "use"]) this.part<HTMLButtonElement>(is).disabled = true;
      this.part("start").textContent = "Train";
      say(this.note, "Forgotten: the next training starts over.");
    });
    void asked(this.note, () => this.begin());
  }

  private part<E extends HTMLElement = HTMLElement>(is: string): E {
    return this.root.querySelector(`[data-is="${is}"]`) as E;
  }
  private get history(): [step: number, total: number][] {
    return shared.losses.get(this.name) ?? [];
  }
  private set history(points) {
    shared.losses.set(this.name, points);
  }
  private get note(): HTMLElement {
    return this.part("note");
  }
  private number(is: string): number {
    return Number(this.part<HTMLInputElement>(is).value);
  }
  private get wish(): RunWish {
    return {
      ...{
        clips: this.number("clips"),
        batch: this.number("batch"),
        epochs: this.number("epochs"),
        seed: this.number("seed"),
      },
      objective: this.part<HTMLTextAreaElement>("objective").value,
      term: this.part<HTMLTextAreaElement>("term").value,
    };
  }

  /** What was kept when the page was last open, or the demo's recipe. */
  private async begin(): Promise<void> {
    const [kept, terms, objective] = await Promise.all([
      this.lab.ask("kept", this.name),
      this.lab.ask("terms"),
      this.lab.ask("objective"),
    ]);
    const box = this.part<HTMLTextAreaElement>("objective");
    box.value = kept?.wish.objective ?? objective;
    this.part("terms").replaceChildren(
      "Add: ",
      ...terms.flatMap((term) => [
        make("button", { type: "button", onclick: () => void asked(this.note, () => this.add(term)) }, term),
        " ",
      ]),
      make(
        "button",
        { type: "button", onclick: () => void asked(this.note, () => this.complete()) },
        "check and complete",
      ),
    );
    if (kept === undefined) return say(this.note, "Not started.");
    const { wish, step, losses } = kept;
    for (const is of ["clips", "batch", "epochs", "seed"] as const)
      this.part<HTMLInputElement>(is).value = String(wish[is]);
    this.part<HTMLTextAreaElement>("term").value = wish.term;
    this.history = losses.map(([at, total]) => [at, total]);
    this.draw();
    this.part("start").textContent = "Go on";
    say(this.note, `Kept from before: ${step} steps are taken. Go on, or start over.`);
  }

  private async add(term: string): Promise<void> {
    const box = this.part<HTMLTextAreaElement>("objective");
    const list: unknown = JSON.parse(box.value);
    if (!Array.isArray(list)) throw new Error("A term can be added where the box holds a list");
    box.value = JSON.stringify([...list, { term, weight: 1 }], null, 1);
    say(this.note, `${term} was added.`);
  }

  private async complete(): Promise<void> {
    const text = await this.lab.ask("complete", this.wish);
    const box = this.part<HTMLTextAreaElement>("objective");
    if (Array.isArray(JSON.parse(box.value))) box.value = text;
    say(this.note, "The objective is valid.");
  }

  private async check(): Promise<void> {
    const { name, problems } = await this.lab.ask("check", this.wish.term);
    if (problems.length > 0) throw new Error(`${name} is not valid yet. ${problems.join(". ")}`);
    say(
      this.note,
      `${name} passes the suite that every term must pass. Name it in the objective: { "term": "${name}" }`,
    );
  }

  /** Films that were chosen one by one, then those of a folder, by name; other files of a folder are none. */
  private films(): NamedFile[] {
    const chosen = (is: string) => [...(this.part<HTMLInputElement>(is).files ?? [])];
    const below = chosen("films-folder")
      .filter(({ name, type }) => type.startsWith("video/") || /\.(mkv|mov)$/i.test(name))
      .map((file) => ({ file, name: file.webkitRelativePath.split("/").slice(1).join("/") }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (below.length === 0 && chosen("films-folder").length > 0) throw new Error("The folder holds no films");
    return [...chosen("films").map((file) => ({ file, name: file.name })), ...below];
  }

  private async train(): Promise<void> {
    const wish = this.wish;
    if (wish.term.trim() !== "") await this.check();
    const films = this.films();
    const engine = this.part<HTMLSelectElement>("engine").value as "auto" | "webgpu" | "wasm";
    for (const is of ["pause", "save", "use"]) this.part<HTMLButtonElement>(is).disabled = false;
    const forget = this.part<HTMLButtonElement>("forget");
    forget.disabled = true;
    try {
      const start = { name: this.name, wish, engine, films, every: { look: 4, keep: 5 } };
      const { finished, step, leftOut } = await this.lab.follow("train", start, (news) => this.hear(news as TrainNews));
      const ended = finished ? `Done: ${step} steps.` : `Paused after ${step} steps; the run is kept in this browser.`;
      say(this.note, leftOut === undefined ? ended : `${ended} ${leftOut}`);
      this.part("start").textContent = finished ? "Train" : "Go on";
    } finally {
      this.part<HTMLButtonElement>("pause").disabled = true;
      forget.disabled = false;
    }
  }

  private async pause(): Promise<void> {
    say(this.note, "Stopping after this step …");
    await this.lab.ask("pause");
  }

  private bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.lab.ask("model") as Promise<Uint8Array<ArrayBuffer>>;
  }

  private async save(): Promise<void> {
    const address = URL.createObjectURL(new Blob([await this.bytes()], { type: "application/octet-stream" }));
    make("a", { href: address, download: `run-${this.name.toLowerCase()}.safetensors` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  private hear(news: TrainNews): void {
    if ("say" in news) say(this.note, news.say);
    else if ("watched" in news) this.show(news.watched, news.step);
    else this.count(news.step, news.perSecond);
  }

  private count({ step, steps, total, terms, rate }: Step, perSecond: number): void {
    // A run that goes on from what was kept takes some steps again.
    while (this.history.length > 0 && this.history[this.history.length - 1][0] >= step) this.history.pop();
    this.history.push([step, total]);
    this.root.dataset.step = String(step);
    this.draw();
    const row = (name: string, value: number) =>
      make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value.toFixed(4)));
    this.part("losses").replaceChildren(
      row("total", total),
      ...Object.entries(terms).map(([name, value]) => row(name, value)),
    );
    const speed = perSecond === 0 ? "" : `, ${perSecond.toPrecision(2)} steps a second`;
    // The first words, on what to expect, stay until there is something to tell.
    if (perSecond > 0 || step === steps)
      say(this.note, `Step ${step} of ${steps}${speed}, learning rate ${rate.toExponential(1)}.`);
  }

  private draw(): void {
    drawCurves(this.part("curves"), this.history);
  }

  private show({ filled, spectrogram, heat, frame }: Watched, step: number): void {
    const canvas = make("canvas", { className: "square" });
    const context = contextOf(canvas, frame.width, frame.height);
    context.putImageData(pictureOf(frame), 0, 0);
    const small = make("canvas");
    const image = new ImageData(heat.columns, heat.rows);
    for (const [at, share] of heat.map.entries()) image.data.set([...warmth(0.25 + 0.75 * share), 200 * share], 4 * at);
    contextOf(small, heat.columns, heat.rows).putImageData(image, 0, 0);
    context.drawImage(small, 0, 0, frame.width, frame.height);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Heat map of a fixed clip");
    this.part("watched").replaceChildren(
      ...filled.map((one, index) => filledFigure(one, spectrogram, `Step ${step}, view ${index + 1}`)),
      make("figure", {}, canvas, make("figcaption", {}, `Step ${step}: where a fixed clip's sound is seen`)),
    );
  }
}

export function beginTrainSection(): void {
  new RunPanel("A");
  const more = byId<HTMLButtonElement>("second-run");
  more.onclick = () => {
    more.hidden = true;
    new RunPanel("B");
  };
}
