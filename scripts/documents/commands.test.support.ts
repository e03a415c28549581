import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeBlocks, commandsIn } from "../readme-blocks.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const program = join(root, "apps/trainer/bin/kdc-mae.js");
const built = existsSync(join(root, "apps/trainer/dist/index.js"));

const pagesIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
/** Pages whose blocks are run or looked at. */
export const shown = ["README.md", "CONTRIBUTING.md", ...pagesIn("docs"), ...pagesIn("docs/measurements")];
const isMeasured = (page: string) => page.startsWith("docs/measurements/");
const isLater = (page: string) => page > "docs/f" && !isMeasured(page);
/** The same pages in three parts, whose commands run side by side. */
export const parts = {
  measurements: shown.filter(isMeasured),
  later: shown.filter(isLater),
  first: shown.filter((page) => !isMeasured(page) && !isLater(page)),
};
export const blocksOf = (page: string) => codeBlocks(readFileSync(join(root, page), "utf8"));

const few = "--set data.train=32 --set data.validation=16 --set data.test=32 --set training.batch=8";
/** Sizes for a test, appended to what a page says. */
const smaller: readonly (readonly [command: RegExp, appended: string])[] = [
  [/^kdc-mae (demo|pretrain demo)\b/, `${few} --set training.epochs=1`],
  [/^kdc-mae finetune demo-finetune/, `${few} --set training.epochs=1 --set averaging.from=1 --set averaging.to=1`],
  [
    /^kdc-mae ablate dropping\.ts --seeds/,
    "--seeds 1 --set data.train=16 --set data.validation=8 --set data.test=16 --set training.batch=8 --set training.epochs=1",
  ],
];

const installed = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

/**
 * Runs every command of some pages in order, in one folder of their own.
 *
 * @param before commands of other pages that these go on from
 */
export function runCommandsOf(pages: readonly string[], before: readonly string[] = []): void {
  if (!built) console.info("skipped: the pages' commands run the built kdc-mae; run `build` first");
  describe.skipIf(!built)("commands of", () => {
    let world = "";
    beforeAll(async () => {
      world = await mkdtemp(join(tmpdir(), "kdc-pages-"));
      const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
      const { items } = await makeSet({ directory: join(world, "videos"), ffmpeg, counts: { train: 12 }, seed: 5 });
      const [dog] = items;
      await copyFile(dog.path, join(world, "dog.mp4"));
      const extract = (...args: string[]) => {
        const { status, stderr } = spawnSync(ffmpeg, ["-v", "error", "-y", "-i", dog.path, ...args], { cwd: world });
        if (status !== 0) throw new Error(String(stderr));
      };
      extract("bark.wav");
      extract("-frames:v", "1", "dog.jpg");
      // VGGSound's own kind of list, of these clips.
      const rows = items.map(({ path }) => `"${path.slice(join(world, "videos").length + 1)}"`);
      await writeFile(join(world, "vggsound.csv"), `path,labels\n${rows.map((path) => `${path},dog`).join("\n")}\n`);
      await writeFile(
        join(world, "clips.csv"),
        `path,labels\n${rows.map((path) => `videos/${path},dog`).join("\n")}\n`,
      );
      for (const command of before) run(command);
    });
    afterAll(() => rm(world, { recursive: true, force: true }));

    const run = (command: string) => {
      const [, appended = ""] = smaller.find(([pattern]) => pattern.test(command)) ?? [];
      const line = `${command} ${appended}`.replace(/^kdc-mae/, `"${process.execPath}" "${program}"`);
      // A command that serves for ever is to fail here, not to hold up all that comes after it.
      const options = { cwd: world, encoding: "utf8", timeout: 900_000 } as const;
      const { status, stdout, stderr } = spawnSync("bash", ["-c", line], options);
      expect({ command, status, said: status === 0 ? "" : stdout + stderr }).toEqual({ command, status: 0, said: "" });
    };

    for (const page of pages) {
      const commands = blocksOf(page).filter(
        ({ language, reason }) => /^(sh)?$/.test(language) && reason === undefined,
      );
      if (commands.length === 0) continue;
      it(`${page}`, async () => {
        for (const { language, text, reason } of blocksOf(page)) {
          // A module that a page names in its first line is there for the commands below it.
          const [, name] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? [];
          if (name !== undefined) await writeFile(join(world, name), text);
          if (!/^(sh)?$/.test(language) || reason !== undefined) continue;
          for (const command of commandsIn(text)) {
            const [, script] = /^npx --yes pnpm@[\d.]+ (?:run )?(\w+)$/.exec(command) ?? [];
            // CI itself runs these; that they are there is all there is to see.
            if (script !== undefined && script !== "demo")
              expect(["install", ...Object.keys(installed.scripts)]).toContain(script);
            else if (/^fixtures|kdc-mae parity fixtures/.test(command))
              run(command.replace("fixtures", join(root, "fixtures")));
            else
              run(
                command.replace(/^npx --yes pnpm@[\d.]+ (?:exec kdc-mae|demo)/, (all) =>
                  all.endsWith("demo") ? "kdc-mae demo" : "kdc-mae",
                ),
              );
          }
        }
      }, 1_800_000);
    }
  });
}
