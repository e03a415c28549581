import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readClassLabels } from "./class-labels.js";
import type { ManifestItem } from "./manifest-item.js";
import { countPassedOver, passedOverInWords } from "./passed-over.js";
import { type ManifestOptions, openManifest } from "./read-manifest.js";

let root = "";
const at = (name: string) => join(root, name);
const put = async (name: string, content = "x") => {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), content);
  return at(name);
};
const passed = countPassedOver;
const read = async (path: string, options: ManifestOptions = {}, count = passed()): Promise<ManifestItem[]> => {
  const items: ManifestItem[] = [];
  for await (const item of (await openManifest(path, options)).items(count.passOver)) items.push(item);
  return items;
};
const labels = (items: readonly ManifestItem[]) => items.map((item) => item.labels);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-lists-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("every row is a clip", () => {
  it("a path may begin with #, in CSV and in VGGSound's list", async () => {
    const items = await read(await put("hash.csv", "path,labels\na.mp4,cat\n#shorts cat.mp4,cat\nb.mp4,dog\n"));
    expect(items.map(({ id }) => id)).toEqual(["a", "#shorts cat", "b"]);
    await expect(read(await put("hash-vgg.csv", "abcdefghijk,1,x,train\n#bc,1,x,train\n"))).rejects.toThrow("line 2");
  });

  it.each([
    ["semicolons", 'path;labels;split\na.mp4;dog;val\nb.mp4;"dog;cat";test\n'],
    ["tabs", "path\tlabels\tsplit\na.mp4\tdog\tval\nb.mp4\tdog;cat\ttest\n"],
    ["commas", "path,labels,split\na.mp4,dog,valid\nb.mp4,dog;cat,eval\n"],
  ])("cells between %s are read", async (_, text) => {
    const items = await read(await put("cells.csv", text));
    expect(items.map(({ id, labels: own, split }) => [id, own, split])).toEqual([
      ["a", ["dog"], "validation"],
      ["b", ["dog", "cat"], "test"],
    ]);
  });
});

describe("every label is read", () => {
  it.each([
    ["['dog', 'cat']", ["dog", "cat"]],
    ['["dog", "cat"]', ["dog", "cat"]],
    ["['dog' 'cat']", ["dog", "cat"]],
    [`['dog\\'s', "cat; big"]`, ["dog's", "cat; big"]],
    ["[3, 14]", ["3", "14"]],
    ["[]", []],
    ["dog; cat ;dog", ["dog", "cat"]],
    ["[noise]", ["[noise]"]],
    ["playing, drums", ["playing, drums"]],
  ])("of the cell %s", async (cell, own) => {
    const file = await put("cell.csv", `path,labels\na.mp4,"${cell.replaceAll('"', '""')}"\n`);
    expect(labels(await read(file))).toEqual([own]);
  });

  it("of label, labels and numbers in JSON lines; both at once are refused", async () => {
    const lines = ['{"path":"a","label":"dog"}', '{"path":"b","labels":["dog",7]}', '{"file":"c","label":3}'];
    expect(labels(await read(await put("labels.jsonl", lines.join("\n"))))).toEqual([["dog"], ["dog", "7"], ["3"]]);
    await expect(read(await put("both.jsonl", '{"path":"a","label":"dog","labels":["cat"]}'))).rejects.toThrow(
      'line 1, column "labels": it is there twice',
    );
  });

  it("composed and decomposed letters are one class, in lists, folders and class lists", async () => {
    const [nfc, nfd] = ["café", "café"].map((name, index) => name.normalize(index === 0 ? "NFC" : "NFD"));
    expect(nfc).not.toBe(nfd);
    await put(`letters/${nfc}/a.mp4`);
    await put(`letters/${nfd}/b.mp4`);
    expect(labels(await read(at("letters")))).toEqual([[nfc], [nfc]]);
    const rows = `path,labels\na.mp4,${nfc}\nb.mp4,${nfd}\n`;
    const classes = await readClassLabels(await put("names.txt", `${nfd}\n`));
    expect(classes.names).toEqual([nfc]);
    expect(labels(await read(await put("letters.csv", rows), { classes }))).toEqual([[nfc], [nfc]]);
  });
});

describe("an id names one clip", () => {
  it("is made from the path, the times and where needed the ending", async () => {
    const list = "path,start,end\ncat/001.mp4,,\ndog/001.mp4,,\ndog/001.mp4,0,10\ndog/001.mp4,10,20\ndog/001.wav,,\n";
    expect((await read(await put("ids.csv", list))).map(({ id }) => id)).toEqual([
      ...["cat/001", "dog/001", "dog/001_0-10", "dog/001_10-20", "dog/001.wav"],
    ]);
    await put("twins/a.mp4");
    await put("twins/a.webm");
    await put("twins/b.mp4");
    expect((await read(at("twins"))).map(({ id }) => id)).toEqual(["a.mp4", "a.webm", "b"]);
  });

  it.each([
    ["written.csv", "id,path\nx,a.mp4\ny,b.mp4\nx,c.mp4\n", 'line 4, column "id": the id "x" stands in line 2 already'],
    ["same.csv", "path,labels\na.mp4,dog\na.mp4,cat\n", "the same file and time stand in line 2 already"],
    [
      "same.jsonl",
      '{"path":"a.mp4","id":"x"}\n{"path":"b.mp4","id":"x"}',
      'line 2, column "id": the id "x" stands in line 1',
    ],
    ["vgg.csv", "abcdefghijk,1,x,train\nabcdefghijk,1,x,test\n", "stands in line 1 already"],
    [
      "cav.json",
      '{"data":[\n{"wav":"a.wav","video_id":"v","video_path":"f","labels":"x"},\n{"wav":"b.wav","video_id":"v","video_path":"f","labels":"x"}]}',
      'line 3, column "id": the id "v" stands in line 2',
    ],
  ])("a repeated one in %s is refused with both lines", async (name, text, message) => {
    await expect(read(await put(name, text))).rejects.toThrow(message);
  });
});

describe("Kinetics' lists", () => {
  const header = "label,youtube_id,time_start,time_end,split\n";

  it("find pieces beside each other, in folders by class and split, in capitals, and cut whole videos", async () => {
    await put("kinetics/aaaaaaaaaaa_000010_000020.mp4");
    await put("kinetics/playing_harp/bbbbbbbbbbb_000000_000010.mkv");
    await put("kinetics/train/playing harp/ccccccccccc_000030_000040.MP4");
    await put("kinetics/ddddddddddd.webm");
    const list = await put(
      "kinetics.csv",
      `${header}tap dancing,aaaaaaaaaaa,10,20,train\n"playing harp",bbbbbbbbbbb,0,10,validate\nplaying harp,ccccccccccc,30,40,train\ntap dancing,ddddddddddd,5,15,val\ntap dancing,eeeeeeeeeee,5,15,test\n`,
    );
    const [one, two, three, four, five] = await read(list, { mediaRoot: at("kinetics") });
    expect(one).toEqual({
      ...{ id: "aaaaaaaaaaa_000010_000020", path: at("kinetics/aaaaaaaaaaa_000010_000020.mp4") },
      ...{ labels: ["tap dancing"], split: "train" },
    });
    expect([two.path, two.split]).toEqual([at("kinetics/playing_harp/bbbbbbbbbbb_000000_000010.mkv"), "validation"]);
    expect(three.path).toBe(at("kinetics/train/playing harp/ccccccccccc_000030_000040.MP4"));
    expect([four.path, four.start, four.end, four.split]).toEqual([
      at("kinetics/ddddddddddd.webm"),
      5,
      15,
      "validation",
    ]);
    expect([five.path, five.start]).toEqual([at("kinetics/eeeeeeeeeee_000005_000015.mp4"), undefined]);
    const unlabelled = await put("kinetics-test.csv", "youtube_id,time_start,time_end,split\naaaaaaaaaaa,10,20,test\n");
    expect(labels(await read(unlabelled))).toEqual([[]]);
  });

  it("are cut to a subset by --labels, what is not taken counted", async () => {
    const list = await put(
      "subset.csv",
      `${header}a,aaaaaaaaaaa,1,11,train\nb,bbbbbbbbbbb,1,11,train\nc,ccccccccccc,1,11,\n`,
    );
    const only = await readClassLabels(await put("sounds.txt", "b\nc\n"));
    const count = passed();
    expect(labels(await read(list, { only }, count))).toEqual([["b"], ["c"]]);
    expect(passedOverInWords(count.result())).toBe(
      "passed over: clip without a label that is taken 1 (aaaaaaaaaaa_000001_000011)",
    );
    const table = await put("table.csv", "path,labels\na.mp4,b;x\n");
    const other = passed();
    expect(labels(await read(table, { only }, other))).toEqual([["b"]]);
    expect(other.result()).toEqual({ "label not taken": { count: 1, first: ["x"] } });
  });

  it("refuse a time that is none", async () => {
    await expect(read(await put("times.csv", `${header}a,aaaaaaaaaaa,x,11,train\n`))).rejects.toThrow(
      'line 2, column "time_start": "x" is not a number of seconds',
    );
  });
});

it("VGGSound's files may end in capitals and lie in folders by split", async () => {
  await put("vggsound/abcdefghijk_000030.MP4");
  await put("vggsound/test/bcdefghijkl_000007.mp4");
  const list = await put("capitals.csv", "abcdefghijk,30,x,train\nbcdefghijkl,7,x,test\n");
  expect((await read(list, { mediaRoot: at("vggsound") })).map(({ path }) => path)).toEqual([
    at("vggsound/abcdefghijk_000030.MP4"),
    at("vggsound/test/bcdefghijkl_000007.mp4"),
  ]);
});

it("what a folder holds besides media is counted by reason", async () => {
  for (const name of ["odd/a.mp4", "odd/noending", "odd/b.HEIC", "odd/.hidden/c.mp4", "odd/c.heic", "odd/d.txt"])
    await put(name);
  await symlink(at("letters"), at("odd/elsewhere"));
  const count = passed();
  expect((await read(at("odd"), {}, count)).map(({ id }) => id)).toEqual(["a"]);
  const found = Object.fromEntries(Object.entries(count.result()).map(([reason, { count: n }]) => [reason, n]));
  expect(found).toEqual({ ".heic": 2, "no ending": 1, hidden: 1, ".txt": 1, "link to a folder, or without ending": 1 });
});
