/**
 * Makes the pictures of README's first table out of real results of the demo model: every one is what the command beside
 * it wrote, made smaller. `node scripts/result-pictures.mjs [runs] [chromium]`, after `kdc-mae demo` and `kdc-mae finetune
 * demo-finetune --init runs/demo/model.safetensors`; needs a Chromium for those that are pages.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const runs = resolve(process.argv[2] ?? "runs");
const pictures = join(root, "docs/pictures");
const work = mkdtempSync(join(tmpdir(), "kdc-mae-pictures-"));
const from = (folder) => createRequire(join(root, folder, "package.json"));
const { chromium } = from("examples/in-a-browser")("playwright-core");
const sharp = from("packages/data")("sharp");

symlinkSync(runs, join(work, "runs"));
const model = "runs/demo/model.safetensors";
const tuned = "runs/demo-finetune/best.safetensors";
const made = readdirSync(runs).find((name) => name.startsWith("demo-media"));
const rows = readFileSync(join(runs, made, "manifest.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
/** Clips of the test split, which the model never saw, each named after what it shows; the same ones every time. */
const tested = rows.filter(({ split }) => split === "test").slice(0, 48);
mkdirSync(join(work, "films"));
const seen = new Map();
const named = tested.map(({ path, labels: [label] }) => {
  seen.set(label, (seen.get(label) ?? 0) + 1);
  const film = `films/${label}-${seen.get(label)}.mp4`;
  copyFileSync(join(runs, made, path), join(work, film));
  return film;
});
const clip = (name) => named.find((film) => film.endsWith(`${name}.mp4`));
for (const file of [model, tuned]) {
  if (existsSync(join(work, file))) continue;
  process.stderr.write(`there is no ${file}: run kdc-mae demo and kdc-mae finetune demo-finetune first\n`);
  process.exit(1);
}

function kdcMae(...line) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "apps/trainer/bin/kdc-mae.js"), ...line], {
    cwd: work,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`kdc-mae ${line.join(" ")}\n${stderr}`);
  return stdout;
}

/** Pictures are shown this wide, pixels, and kept twice as fine. */
const width = 720;

async function keep(name, picture) {
  const small = sharp(picture)
    .resize({ width, withoutEnlargement: true })
    .png({ palette: true, quality: 80, effort: 10 });
  await small.toFile(join(pictures, name));
  process.stdout.write(`docs/pictures/${name}\n`);
}

/** Pictures of one height in a row. */
async function row(files, height, gap = 6) {
  const parts = await Promise.all(
    files.map((file) => sharp(file).resize({ height, kernel: "nearest" }).toBuffer({ resolveWithObject: true })),
  );
  const across = parts.reduce((sum, { info }) => sum + info.width + gap, -gap);
  let left = 0;
  const placed = parts.map(({ data, info }) => {
    const at = left;
    left += info.width + gap;
    return { input: data, left: at, top: 0 };
  });
  return sharp({ create: { width: across, height, channels: 3, background: "#fbfaf7" } })
    .composite(placed)
    .png()
    .toBuffer();
}

const browser = await chromium.launch({
  executablePath: process.argv[3] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--allow-file-access-from-files"],
});

/** What a page shows of some element, or from its top. */
async function shot(file, { selector, height, wide = 1080 }) {
  const page = await browser.newPage({ viewport: { width: wide, height }, colorScheme: "light" });
  await page.goto(pathToFileURL(file).href);
  // Players have drawn their first picture.
  await page
    .waitForFunction(() => [...document.querySelectorAll("video")].every((video) => video.readyState >= 2), null, {
      timeout: 20_000,
    })
    .catch(() => undefined);
  const target = selector === undefined ? page : page.locator(selector).first();
  const bytes = await target.screenshot(selector === undefined ? { clip: { x: 0, y: 0, width: wide, height } } : {});
  await page.close();
  return bytes;
}

try {
  mkdirSync(pictures, { recursive: true });
  const index = "index";
  kdcMae("index", "films", "--model", model, "--index", index);
  kdcMae(
    "search",
    clip("bird-2"),
    "--audio",
    "--among",
    "visual",
    "--count",
    "4",
    "--model",
    model,
    "--index",
    index,
    "--html",
    "found.html",
  );
  await keep("find.png", await shot(join(work, "found.html"), { height: 790 }));

  kdcMae("classify", clip("clock-1"), clip("siren-1"), "--model", tuned, "--html", "labels.html");
  await keep("name.png", await shot(join(work, "labels.html"), { height: 940 }));

  kdcMae("localize", clip("bird-2"), "--model", model, "--every", "0.2", "--pictures", "where");
  const moments = readdirSync(join(work, "where")).sort();
  const spread = [0, 1, 2, 3, 4].map((n) => join(work, "where", moments[Math.floor((n * (moments.length - 1)) / 4)]));
  await keep("point-at.png", await row(spread, 280));

  kdcMae("inpaint", clip("drum-1"), "--model", model, "--hide", "0.5", "--pictures", "filled");
  await keep("fill-in.png", join(work, "filled", "000000.png"));

  const report = join(runs, "demo/report.html");
  await keep("train.png", await shot(report, { selector: ".charts", height: 900 }));
  await keep("compare.png", await shot(report, { selector: ".cards", height: 900 }));
} finally {
  await browser.close();
  rmSync(work, { recursive: true, force: true });
}
