import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expectWritableFile, writeWhole } from "@kdc-mae/core/node";
import { base64, escapeHtml } from "@kdc-mae/eval/report";
import { openWatched, type PageRecord, thinned, type WatchedRun } from "./watched-run.js";

const ours = (name: string) => readFile(new URL(`../../../page/${name}`, import.meta.url), "utf8");
const theirs = (name: string) => readFile(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), "utf8");

/** What a page shows of one run. */
export type PageRun = Pick<WatchedRun, "name" | "folder" | "experiment"> & { readonly records: readonly PageRecord[] };

/** JSON that ends no script element, whatever is in it. */
const inScript = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/**
 * The page: everything it needs is in it.
 *
 * @param live how many records a server has sent before, where there is one to be asked for more
 */
export async function watchPage(runs: readonly PageRun[], live?: { readonly seen: number }): Promise<string> {
  // As it is now: a run goes on while the parts of the page are read.
  const data = inScript({
    runs: runs.map(({ records, ...run }) => ({ ...run, records: thinned(records) })),
    ...{ live: Boolean(live), seen: live?.seen ?? 0 },
  });
  const [curves, curveStyle, style, program] = await Promise.all([
    ...[theirs("uPlot.iife.min.js"), theirs("uPlot.min.css"), ours("watch.css"), ours("watch.js")],
  ]);
  const script = `${curves}\n{${program}}`;
  const sum = createHash("sha256").update(script).digest("base64");
  const title = runs.length === 1 ? runs[0].name : `${runs.length} runs`;
  const policy = [
    "default-src 'none'",
    `img-src data:${live ? " 'self'" : ""}`,
    ...(live ? ["connect-src 'self'"] : []),
    `script-src 'sha256-${sum}'`,
    "style-src 'unsafe-inline'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)} – kdc-mae</title>
<style>${curveStyle}${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="quiet" id="connection">${live ? "connecting" : "as it was when this page was written"}</p>
<div class="runs" id="cards"></div>
<h2>Warnings and notes</h2><div id="warnings"></div>
<h2>Curves</h2><p class="quiet">Over steps. “Held-out” is of validation clips, which are not trained on, and never of test clips.</p>
<div class="charts" id="charts"></div>
<h2>Reconstructions and heat maps</h2>
<p class="quiet">The latest, of held-out clips: the picture, what each view sees and what is made of it, where the sound is seen; below, the sound.</p>
<div class="pictures" id="pictures"></div>
<h2>Experiment</h2><div id="experiments"></div>
</main>
<script type="application/json" id="runs">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** Everything that is there of a run, with its latest pictures in it. */
async function whole(run: WatchedRun): Promise<PageRun> {
  const { name, folder, experiment } = run;
  const polled = await run.poll();
  const records = polled === "anew" ? [] : [...polled];
  const at = records.findLastIndex(({ kind }) => kind === "pictures");
  const record = records[at];
  if (record?.kind === "pictures") {
    const pictures = record.pictures.map(async (picture) => {
      const bytes = await run.picture(picture.file);
      return bytes === undefined ? picture : { ...picture, data: `data:image/png;base64,${base64(bytes)}` };
    });
    records[at] = { ...record, pictures: await Promise.all(pictures) };
  }
  return { name, folder, experiment, records };
}

/**
 * Writes one file that shows runs as they are now, without a network and without the command.
 *
 * @throws KdcError when a folder holds no run
 */
export async function writeWatchPage(folders: readonly string[], file: string): Promise<void> {
  await expectWritableFile(file);
  const runs = await Promise.all(folders.map(async (folder) => whole(await openWatched(folder))));
  await writeWhole(file, await watchPage(runs));
}
