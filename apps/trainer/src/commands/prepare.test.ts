import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { addPrepareCommand } from "./prepare.js";
import { addSurveyCommand } from "./survey.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-commands-"));
  const { path } = await locateFfmpeg({ env: process.env });
  await makeSet({
    directory: folder,
    ffmpeg: path,
    counts: { train: 5, validation: 0, test: 2 },
    seed: 3,
    options: { size: 48 },
  });
  await writeFile(join(folder, "broken.mp4"), "<html>");
  const made = await readFile(join(folder, "manifest.jsonl"), "utf8");
  await writeFile(join(folder, "all.jsonl"), `${made}{"path":"broken.mp4","labels":["bell"]}\n`);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs a command line and returns what it prints. */
async function printed(...line: string[]): Promise<string> {
  const program = new Command().exitOverride();
  addSurveyCommand(program);
  addPrepareCommand(program);
  let out = "";
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  await program.parseAsync(line, { from: "user" });
  return out;
}

it("survey prints a table by reason and writes a manifest that prepare takes", async () => {
  const clean = join(folder, "clean.jsonl");
  const table = await printed("survey", join(folder, "all.jsonl"), "--clean", clean);
  expect(table).toMatch(/^clips +8 +100\.0 %\nusable +7 +87\.5 %\n {2}undecodable +1 +12\.5 %\n/);
  expect(table).toMatch(/undecodable .*\n {6}broken: .*broken\.mp4: it is not a media file that ffmpeg knows/);
  expect(table).toContain("\n--json lists every clip that cannot be used\n");
  const json = JSON.parse(await printed("survey", join(folder, "all.jsonl"), "--json"));
  expect(json).toMatchObject({ total: 8, usable: 7, problems: [{ id: "broken", detail: "not-media" }] });
  const summary = await printed(
    "prepare",
    clean,
    "--out",
    join(folder, "set"),
    "--clips-per-shard",
    "3",
    "--size",
    "32",
    "--frames",
    "2",
  );
  expect(summary).toContain("7 clips in 3 shards");
  expect(summary).toContain("splits: test 2, train 5; 5 classes\nnothing was left out\n");
});

it("prepare says what it left out, and prints JSON", async () => {
  const line = [
    "prepare",
    join(folder, "all.jsonl"),
    "--out",
    join(folder, "other"),
    "--pictures",
    "ppm",
    "--size",
    "0",
    "--frames",
    "1",
  ];
  expect(await printed(...line)).toContain("left out: not-media 1 (see quarantine.jsonl)");
  const again = JSON.parse(await printed(...line, "--json"));
  expect(again).toMatchObject({ samples: 7, quarantined: { "not-media": 1 }, content: { pictures: { kind: "ppm" } } });
});

it("survey and prepare count alike what a folder holds besides media, and deal splits where asked", async () => {
  const place = join(folder, "few");
  await mkdir(join(place, "bell"), { recursive: true });
  for (const name of ["a.heic", "noending", ".DS_Store"]) await writeFile(join(place, name), "x");
  const made = JSON.parse((await readFile(join(folder, "manifest.jsonl"), "utf8")).split("\n")[0]);
  for (const name of ["1.mp4", "2.mp4"]) await copyFile(join(folder, made.path), join(place, "bell", name));
  const passed = "passed over: ";
  const deal = ["--split-by", "0.5,0,0.5"];
  const table = await printed("survey", place, ...deal);
  const summary = await printed("prepare", place, "--out", join(folder, "few-set"), "--size", "32", ...deal);
  for (const line of [table, summary]) {
    for (const part of [passed, ".heic 1 (a.heic)", "no ending 1 (noending)", "hidden 1 (.DS_Store)"]) {
      expect(line).toContain(part);
    }
  }
  expect(summary).toMatch(/^2 clips in 1 shard, /);
  expect(summary).toContain("splits: test 1, train 1; 1 class\n");
  expect(JSON.parse(await printed("survey", place, ...deal, "--json"))).toMatchObject({
    passedOver: { ".heic": { count: 1, first: ["a.heic"] } },
  });
});

it("prepare of a folder that holds no clips makes no set of nothing", async () => {
  const place = join(folder, "texts");
  await mkdir(place);
  await writeFile(join(place, "notes.txt"), "x");
  const prepared = printed("prepare", place, "--out", join(folder, "texts-set"));
  await expect(prepared).rejects.toMatchObject({ where: place, reason: "too-few-clips" });
  expect(existsSync(join(folder, "texts-set"))).toBe(false);
});
