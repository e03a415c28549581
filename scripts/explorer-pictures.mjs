/**
 * Makes the pictures of the explorer: its page, served by `kdc-mae explore` with the demo's model, in a real Chromium.
 * `node scripts/explorer-pictures.mjs [runs] [chromium]`, after `kdc-mae demo`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const runs = resolve(process.argv[2] ?? "runs");
const from = (folder) => createRequire(join(root, folder, "package.json"));
const { chromium } = from("apps/explorer")("playwright-core");
const sharp = from("packages/data")("sharp");

/** A clip of the test split, which the model never saw. */
const made = join(
  runs,
  readdirSync(runs).find((name) => name.startsWith("demo-media")),
);
const rows = readFileSync(join(made, "manifest.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const film = rows.find(({ split, labels: [label] }) => split === "test" && label === "bird").path;

const served = spawn(process.execPath, [join(root, "apps/trainer/bin/kdc-mae.js"), "explore", join(runs, "demo")], {
  stdio: ["ignore", "pipe", "inherit"],
});
const browser = await chromium.launch({
  executablePath: process.argv[3] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking"],
});

try {
  const [address] = await once(served.stdout.setEncoding("utf8"), "data");
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 }, colorScheme: "light" });
  page.setDefaultTimeout(300_000);
  await page.goto(address.trim());

  const says = (selector, words) =>
    page.waitForFunction(([at, what]) => document.querySelector(at)?.textContent.includes(what), [selector, words]);
  const press = async (id, note, words) => {
    await page.click(`#${id}`);
    await says(note, words);
  };
  const keep = async (name, bytes) => {
    const file = join(root, "docs/pictures", name);
    await sharp(bytes).png({ palette: true, quality: 80, effort: 10 }).toFile(file);
    process.stdout.write(`docs/pictures/${name}, ${Math.round(statSync(file).size / 1000)} kB\n`);
  };
  /** What lies between the top of one element and the bottom of another. */
  const shot = async (first, last) => {
    const [top, bottom] = await Promise.all([first, last].map((one) => page.locator(one).first().boundingBox()));
    const scrolled = await page.evaluate(() => scrollY);
    const clip = { x: 0, y: top.y + scrolled, width: 1000, height: bottom.y + bottom.height + 12 - top.y };
    return page.screenshot({ fullPage: true, clip });
  };

  await says("#model-note", "parameters");
  await page.setInputFiles("#file", join(made, film));
  await says("#clip-note", "decoded in");
  await page.waitForFunction(() => document.querySelector("#player").readyState === 4);
  // The player's own sign of waiting fades.
  await page.waitForTimeout(1500);
  await keep("explorer-clip.png", await shot("#clip", "#views"));

  await press("follow", "#work-note", "Play the film");
  await page.evaluate(() => document.querySelector("#player").play());
  await page.waitForFunction(() => Number(document.querySelector("#heat").dataset.step) >= 4);
  await page.evaluate(() => {
    document.querySelector("#player").pause();
    document.querySelector("#player").controls = false;
  });
  await keep("explorer-heat.png", await page.locator("#stage").screenshot());
  await press("embed", "#work-note", "cosine");
  await press("fill", "#work-note", "Filled in");
  await page.locator("#paint-visual").scrollIntoViewIfNeeded();
  const box = await page.locator("#paint-visual").boundingBox();
  await page.mouse.move(box.x + 0.3 * box.width, box.y + 0.3 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.7 * box.width, box.y + 0.3 * box.height, { steps: 12 });
  await page.mouse.move(box.x + 0.7 * box.width, box.y + 0.7 * box.height, { steps: 12 });
  await page.mouse.up();
  await press("paint-fill", "#paint-note", "Filled in");
  await keep("explorer-model.png", await shot("#model", "#model"));

  for (const [is, value] of Object.entries({ clips: 64, batch: 16, epochs: 12 })) {
    await page.fill(`[data-is=${is}]`, String(value));
  }
  await page.click("[data-is=start]");
  await says("[data-is=note]", "Done");
  await keep("explorer-train.png", await shot("#train", ".run"));
} finally {
  await browser.close();
  served.kill("SIGINT");
}
