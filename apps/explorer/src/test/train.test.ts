import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { evaluate } from "@kdc-mae/trainer";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ExplorerInBrowser, missing, openExplorer, undisturbed } from "./browser.js";
import { ffmpegs, makeFilms } from "./films.js";
import { lossesOfRun } from "./in-page.js";
import { smallSizes } from "./small-model.js";
import { expectNodes, lossesInNode, wish } from "./train-in-node.js";

const kdcMae = fileURLToPath(new URL("../../../trainer/bin/kdc-mae.js", import.meta.url));

/** Half as many steps of one that is smaller still: in software every kernel counts. */
const fewer = {
  ...wish,
  ...{ clips: 4, batch: 2, epochs: 12 },
  objective: JSON.stringify({
    model: {
      ...smallSizes,
      audio: { rows: 1, columns: 8, patch: 16, channels: 1 },
      visual: { rows: 2, columns: 2, patch: 8, channels: 3 },
    },
    data: { validation: 8, test: 16 },
  }),
};

const lossesOf = async (page: Page, run: string): Promise<readonly (readonly [number, number])[]> =>
  JSON.parse(await page.evaluate(lossesOfRun, run));

const noteSays = (page: Page, run: string, words: string, timeout = 250_000) =>
  page.waitForFunction(
    ([name, text]) => document.querySelector(`[data-run=${name}] .note`)?.textContent?.includes(text),
    [run, words] as const,
    { timeout },
  );

/** Fills a run's form in as told, and begins. */
async function begin(page: Page, run: string, engine: string, changes: Partial<typeof wish> = {}): Promise<void> {
  const { objective, term, ...numbers } = { ...wish, ...changes };
  const part = (is: string) => page.locator(`[data-run=${run}] [data-is=${is}]`);
  await page.waitForSelector(`[data-run=${run}] .terms button`);
  for (const [name, value] of Object.entries(numbers)) await part(name).fill(String(value));
  await part("objective").fill(objective);
  await part("term").fill(term);
  await part("engine").selectOption(engine);
  await part("start").click();
}

describe.skipIf(missing)("training in a tab", () => {
  let explorer: ExplorerInBrowser;
  let node: readonly number[];

  beforeAll(async () => {
    explorer = await openExplorer();
    node = await lossesInNode(wish);
  });
  afterEach(() => explorer?.closePages());
  afterAll(() => explorer?.close());

  it("on wasm equals Node, is paused, goes on after a reload, and kdc-mae evaluate takes its model", async () => {
    const { page, complaints, outside } = await explorer.open();
    const tasks = await undisturbed(page, async () => {
      if ((await lossesOf(page, "A")).length > 0) {
        await page.click("[data-run=A] [data-is=forget]");
        await noteSays(page, "A", "Forgotten");
      }
      await begin(page, "A", "wasm");
      await noteSays(page, "A", "steps a second, 50 steps in about");
      await page.waitForFunction(
        () => Number((document.querySelector("[data-run=A]") as HTMLElement).dataset.step) >= 12,
        undefined,
        {
          timeout: 250_000,
        },
      );
      await page.click("[data-run=A] [data-is=pause]");
      await noteSays(page, "A", "Paused after");
    });
    expect(tasks).toEqual([]);
    await page.reload();
    await noteSays(page, "A", "Kept from before");
    expect((await lossesOf(page, "A")).length).toBeLessThan(50);
    expect(await page.inputValue("[data-run=A] [data-is=objective]")).toBe(wish.objective);
    await page.selectOption("[data-run=A] [data-is=engine]", "wasm");
    await page.click("[data-run=A] [data-is=start]");
    await noteSays(page, "A", "Done: 50 steps");
    expectNodes(await lossesOf(page, "A"), node);
    expect(await page.locator("[data-run=A] [data-is=watched] figure").count()).toBe(3);

    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-run=A] [data-is=save]")]);
    const file = join(explorer.folder, download.suggestedFilename());
    await download.saveAs(file);
    const { results } = await evaluate(file, {
      protocols: ["retrieval-middle-frame"],
      media: join(explorer.folder, "media"),
      env: process.env,
    });
    expect(results.failed).toBeUndefined();
    expect(results.sections).toHaveLength(1);
    await page.click("[data-run=A] [data-is=use]");
    await page.waitForFunction(
      () => /^run-a.safetensors: in-a-tab/.test(document.querySelector("#model-note")?.textContent ?? ""),
      undefined,
      {
        timeout: 60_000,
      },
    );
    expect(complaints).toEqual([]);
    expect(outside).toEqual([]);
  });

  it("on WebGPU equals Node in all 24 steps", async () => {
    const { page, complaints } = await explorer.open();
    await begin(page, "A", "webgpu", fewer);
    // Half a minute alone; where others want the same cores, as much longer as they take.
    await noteSays(page, "A", "Done: 24 steps", 1_100_000);
    expectNodes(await lossesOf(page, "A"), await lossesInNode(fewer));
    expect(complaints).toEqual([]);
  }, 1_200_000);

  it("trains on a folder of films of one's own; what is no film is left out, and kdc-mae evaluate takes the model", async () => {
    const { items } = await makeFilms(explorer.folder, (await ffmpegs())[0]);
    const films = dirname(items[0].path);
    await writeFile(join(films, "broken.mp4"), "no film");
    await writeFile(join(films, "notes.txt"), "not even by its name");
    const { page, complaints } = await explorer.open();
    await page.setInputFiles("[data-run=A] [data-is=films-folder]", films);
    await begin(page, "A", "wasm", { batch: 4, epochs: 6 });
    await noteSays(page, "A", "3 of 4 films can be used, and a batch takes 4 (broken.mp4: ");
    await begin(page, "A", "wasm", { batch: 3, epochs: 40 });
    await noteSays(page, "A", "Done: 40 steps. 1 of 4 films left out: broken.mp4: ");
    const totals = (await lossesOf(page, "A")).map(([, total]) => total);
    expect(totals).toHaveLength(40);
    const mean = (from: number) => totals.slice(from, from + 5).reduce((sum, total) => sum + total / 5, 0);
    console.info(`mean of the first five losses ${mean(0).toFixed(3)}, of the last ${mean(35).toFixed(3)}`);
    expect(mean(35)).toBeLessThan(mean(0));

    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-run=A] [data-is=save]")]);
    const file = join(explorer.folder, "own-films.safetensors");
    await download.saveAs(file);
    const command = [...["evaluate", file, "--protocol", "retrieval-middle-frame"], ...["--data", films, "--json"]];
    const { stdout } = await promisify(execFile)(process.execPath, [kdcMae, ...command]);
    expect(JSON.parse(stdout).results).toHaveLength(1);

    await page.reload();
    await noteSays(page, "A", "Kept from before: 40 steps");
    await page.fill("[data-run=A] [data-is=epochs]", "41");
    await page.click("[data-run=A] [data-is=start]");
    await noteSays(page, "A", "Choose the same films again");
    expect(complaints).toEqual([]);
  });

  it("takes an objective and a term of one's own, checked before it trains, two runs side by side", async () => {
    const { page, complaints } = await explorer.open();
    await page.click("#second-run");
    const wrong =
      "return { name: 'one', needs: () => ({ views: 1, encoded: ['audio'] }), compute: () => tf.scalar(1) };";
    await begin(page, "A", "wasm", { term: wrong });
    await noteSays(page, "A", "one is not valid yet");
    await begin(page, "A", "wasm", { objective: '[{ "term": "contrastiv" }]' });
    await noteSays(page, "A", "contrastiv");
    await begin(page, "A", "wasm", { objective: "[{" });
    await noteSays(page, "A", "it is not JSON");
    await begin(page, "A", "wasm", { term: "while (" });
    await noteSays(page, "A", "its code does not run");
    const term = await page.getAttribute("[data-run=A] [data-is=term]", "placeholder");
    const objective = JSON.stringify({
      model: smallSizes,
      objective: [{ term: "reconstruction-visual" }, { term: "same-length", weight: 0.1 }],
    });
    // One form after the other: what is typed goes to whatever has the focus.
    await begin(page, "A", "wasm", { epochs: 4, term: term ?? "", objective });
    await begin(page, "B", "wasm", { epochs: 4 });
    await Promise.all([noteSays(page, "A", "Done: 8 steps"), noteSays(page, "B", "Done: 8 steps")]);
    const names = await page.locator("[data-run=A] tbody th").allTextContents();
    expect(names).toEqual(["total", "reconstruction-visual", "same-length"]);
    expect((await lossesOf(page, "B")).map(([, total]) => total)[0]).toBeCloseTo(node[0], 3);
    expect(complaints).toEqual([]);
  });

  it("says one sentence when the graphics device is lost in the middle, and goes on from what was kept", async () => {
    const { page } = await explorer.open();
    await page.waitForSelector("[data-run=A] .terms button");
    const [worker] = page.workers().filter((one) => one.url().includes("worker"));
    for (const one of page.workers()) {
      await one.evaluate(() => {
        type Adapter = { requestDevice: (options?: object) => Promise<{ destroy: () => void }> };
        const { gpu } = navigator as unknown as {
          gpu?: { requestAdapter: (options?: object) => Promise<Adapter | null> };
        };
        if (gpu === undefined) return;
        const ask = gpu.requestAdapter.bind(gpu);
        gpu.requestAdapter = async (options) => {
          const adapter = await ask(options);
          if (adapter !== null) {
            const request = adapter.requestDevice.bind(adapter);
            adapter.requestDevice = async (wanted) => {
              const device = await request(wanted);
              Object.assign(globalThis, { lose: () => device.destroy() });
              return device;
            };
          }
          return adapter;
        };
      });
    }
    expect(worker).toBeDefined();
    await begin(page, "A", "webgpu", fewer);
    await page.waitForFunction(
      () => Number((document.querySelector("[data-run=A]") as HTMLElement).dataset.step) >= 3,
      undefined,
      {
        timeout: 250_000,
      },
    );
    for (const one of page.workers()) {
      await one.evaluate(() => (globalThis as unknown as { lose?: () => void }).lose?.());
    }
    await page.waitForSelector("[data-run=A] .note.wrong", { timeout: 120_000 });
    expect(await page.textContent("[data-run=A] .note")).toMatch(/device was lost/);
    await page.selectOption("[data-run=A] [data-is=engine]", "wasm");
    await page.click("[data-run=A] [data-is=start]");
    await noteSays(page, "A", "Done: 24 steps");
    const losses = await lossesOf(page, "A");
    expect(losses[losses.length - 1][0]).toBe(24);
    expect(losses[losses.length - 1][1]).toBeCloseTo((await lossesInNode(fewer))[23], 3);
  });
});
