import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readClassLabels } from "./class-labels.js";
import { expectAdmitted } from "./confine.js";
import type { ManifestItem } from "./manifest-item.js";
import { countItems, type ManifestOptions, manifestLine, openManifest } from "./read-manifest.js";

let root = "";
const at = (name: string) => join(root, name);
const put = async (name: string, content = "x") => {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), content);
  return at(name);
};
const read = async (path: string, options: ManifestOptions = {}): Promise<ManifestItem[]> => {
  const items: ManifestItem[] = [];
  for await (const item of (await openManifest(path, options)).items()) items.push(item);
  return items;
};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-manifest-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("a folder", () => {
  it("gives labels and splits from its folders, in the order of the names", async () => {
    for (const name of [
      "tree/train/dog/b 'x'.mp4",
      "tree/train/dog/-a.MKV",
      "tree/val/cat/c.webm",
      "tree/train/x.txt",
      "tree/.d/e.mp4",
    ])
      await put(name);
    expect(await read(at("tree"))).toEqual([
      { id: "train/dog/-a", path: at("tree/train/dog/-a.MKV"), labels: ["dog"], split: "train" },
      { id: "train/dog/b 'x'", path: at("tree/train/dog/b 'x'.mp4"), labels: ["dog"], split: "train" },
      { id: "val/cat/c", path: at("tree/val/cat/c.webm"), labels: ["cat"], split: "validation" },
    ]);
  });

  it("keeps the folders between split and label as a column", async () => {
    for (const name of ["nested/test/ann/home/dog/a.mp4", "nested/test/cat/b.mp4"]) await put(name);
    const items = await read(at("nested"));
    expect(items.map(({ labels, columns }) => [labels[0], columns])).toEqual([
      ["dog", { folder: "ann/home" }],
      ["cat", undefined],
    ]);
  });

  it("of shards is no folder of media", async () => {
    await put("prepared/shard-000000.tar");
    await expect(read(at("prepared"))).rejects.toThrow("it holds shards that prepare made, not media");
    await put("both/a.mp4");
    await put("both/prepared/shard-000000.tar");
    expect(await read(at("both"))).toHaveLength(1);
  });
});

describe("a CSV with a header", () => {
  it("gives parts of files and several labels; other columns are kept", async () => {
    const file = await put(
      "table.csv",
      '\uFEFFpath,start,end,labels,split,note\r\n"a, b.mp4",1.5,4,dog;big dog,train,hm\r\nc.mp4,,,,,\r\n',
    );
    expect(await read(file)).toEqual([
      {
        ...{ id: "a, b_1.5-4", path: at("a, b.mp4"), start: 1.5, end: 4, labels: ["dog", "big dog"], split: "train" },
        columns: { note: "hm" },
      },
      { id: "c", path: at("c.mp4"), labels: [] },
    ]);
  });

  it.each([
    ["a.mp4,2,1,x,y", 'line 3, column "end": the end, 1 s, is not after the start, 2 s. Correct one of them'],
    ["a.mp4,soon,,x,y", 'line 3, column "start": "soon" is not a time. Write seconds from the start of the file'],
    [",1,2,x,y", 'line 3, column "path": there is no path. Write where the media file is'],
    ["../a.mp4,1,2,x,y", 'line 3, column "path": "../a.mp4" leads out of the media root'],
    [
      "/etc/passwd,1,2,x,y",
      "Give the folder that holds all media (--media-root), or allow such paths (--allow-outside)",
    ],
    ["a.mp4,1,2,x", 'line 3, column "split": there are 4 cells and the header has 5'],
    ['"a.mp4,1,2,x,y\n', "Quote Not Closed"],
  ])("refuses %j in one clear error", async (row, message) => {
    const file = await put("wrong.csv", `path,start,end,labels,split\nfine.mp4,0,1,x,y\n${row}`);
    await expect(read(file)).rejects.toThrow(message);
    await expect(read(file)).rejects.toMatchObject({ reason: "manifest", where: expect.stringContaining(file) });
  });

  it("says which columns there are when none is the path", async () => {
    await expect(read(await put("none.csv", "name,label\n"))).rejects.toThrow(
      'line 1: the header has no "path" but "name", "label"',
    );
  });

  it("may leave the root where allowed", async () => {
    const file = await put("out.csv", "path\n../a.mp4\n");
    expect((await read(file, { allowOutside: true }))[0].path).toBe(join(dirname(root), "a.mp4"));
  });
});

describe("JSON lines", () => {
  it("come back as they were written", async () => {
    const items: ManifestItem[] = [
      {
        id: "one",
        path: at("m/a.mp4"),
        labels: ["x", "y"],
        start: 1,
        end: 2.5,
        boxes: [[0, { x: 1, y: 2, width: 3, height: 4 }]],
        columns: { accent: "scots", age: "41" },
      },
      { id: "two", path: at("m/b.wav"), labels: [], split: "test", pictures: { folder: at("m/f"), name: "b" } },
    ];
    const file = await put("lines.jsonl", items.map((item) => manifestLine(item, root)).join("\n"));
    expect(await readFile(file, "utf8")).toContain('"path":"m/a.mp4"');
    expect(await read(file)).toEqual(items);
  });

  it("keep fields of text, numbers, and yes or no as columns, by their names in small letters", async () => {
    const line = '{"path":"a.mp4","Speaker":" Ann ","loud":true,"age":7,"tags":["x"],"empty":"","none":null}';
    const [{ columns }] = await read(await put("fields.jsonl", line));
    expect(columns).toEqual({ speaker: "Ann", loud: "true", age: "7" });
  });

  it.each([
    ['{"path": "a.mp4"', "line 2"],
    [
      '{"path": "a.mp4", "labels": true}',
      'line 2, column "labels": true is not a list of labels. Write a;b or ["a", "b"]',
    ],
    ["[1]", "line 2: it is not a JSON object"],
  ])("refuses %s", async (line, message) => {
    await expect(read(await put("wrong.jsonl", `{"path":"a"}\n${line}\n`))).rejects.toThrow(message);
  });
});

describe("CAV-MAE's files", () => {
  it("have class lists in the order of their index", async () => {
    const list = (text: string) => put("list.csv", text).then(readClassLabels);
    const head = "index,mid,display_name\n";
    expect((await list(`${head}0,/m/a,Bell\n1,/m/b,Drum\n`)).names).toEqual(["Bell", "Drum"]);
    await expect(list(`${head}1,/m/b,Drum\n0,/m/a,Bell\n`)).rejects.toThrow('"1" stands where the index 0 is expected');
    // AudioSet's "Bee, wasp, etc." without quotes was the class "etc.".
    await expect(list("Bee, wasp, etc.\n")).rejects.toThrow("and names with commas in quotes");
  });

  it("are read as they are, with their class list", async () => {
    const classes = await put("classes.csv", 'index,mid,display_name\n0,/m/09x0r,"Speech, male"\n1,/m/05zppz,Song\n');
    const data = [
      { video_id: "-a{", wav: at("w/-a{.wav"), video_path: at("frames/"), labels: "/m/09x0r,/m/05zppz" },
      { video_id: "b", wav: at('w/"b].wav'), video_path: at("frames"), labels: "/m/05zppz" },
    ];
    const file = await put("cav.json", JSON.stringify({ meta: { list: "}" }, data }, null, 1));
    expect(await read(file, { classes: await readClassLabels(classes) })).toEqual([
      {
        id: "-a{",
        path: at("w/-a{.wav"),
        labels: ["Speech, male", "Song"],
        pictures: { folder: at("frames"), name: "-a{" },
      },
      { id: "b", path: at('w/"b].wav'), labels: ["Song"], pictures: { folder: at("frames"), name: "b" } },
    ]);
  });

  it("name the line and the field that is wrong", async () => {
    const wrong = await put("wrong.json", '{"data": [\n{"wav": "a.wav", "video_id": "a", "video_path": "f"}]}');
    await expect(read(wrong)).rejects.toThrow('line 2, column "labels": it is missing');
    await expect(read(await put("half.json", '{"data": [{"wav": "a'))).rejects.toThrow("the file ends inside its list");
    await expect(read(await put("other.json", '{"a": 1}'))).rejects.toThrow("there is no list in it");
  });
});

describe("VGGSound's and AudioSet's lists", () => {
  it("find what was fetched, and cut the piece out of a whole video", async () => {
    await put("videos/--0PQM4-hqg_000030.mp4");
    await put("videos/-1kQRT_xyz0.mkv");
    const vgg = await put(
      "vggsound.csv",
      '--0PQM4-hqg,30,waterfall burbling,train\n-1kQRT_xyz0,7,"playing, drums",test\ngone0000000,1,x,test\n',
    );
    expect(await read(vgg, { mediaRoot: at("videos") })).toEqual([
      {
        id: "--0PQM4-hqg_000030",
        path: at("videos/--0PQM4-hqg_000030.mp4"),
        labels: ["waterfall burbling"],
        split: "train",
      },
      {
        id: "-1kQRT_xyz0_000007",
        path: at("videos/-1kQRT_xyz0.mkv"),
        start: 7,
        end: 17,
        labels: ["playing, drums"],
        split: "test",
      },
      { id: "gone0000000_000001", path: at("videos/gone0000000_000001.mp4"), labels: ["x"], split: "test" },
    ]);
    const heading =
      "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=1\n# YTID, start_seconds, end_seconds, positive_labels\n";
    const segments = await put("segments.csv", `${heading}-1kQRT_xyz0, 30.000, 37.500, "/m/09x0r,/t/dd00088"\n`);
    expect(await read(segments, { mediaRoot: at("videos") })).toEqual([
      {
        id: "-1kQRT_xyz0_000030",
        path: at("videos/-1kQRT_xyz0.mkv"),
        start: 30,
        end: 37.5,
        labels: ["/m/09x0r", "/t/dd00088"],
      },
    ]);
    const wrong = await put("bad.csv", "--0PQM4-hqg,30,a,train\nabc,soon,a,train\n");
    await expect(read(wrong, { format: "vggsound" })).rejects.toThrow(
      'line 2, column 2: "soon" is not a number of seconds',
    );
  });
});

describe("size", () => {
  it("40 000 rows are counted without being held", async () => {
    const file = await put(
      "long.csv",
      `path,labels\n${Array.from({ length: 40_000 }, (_, n) => `some/longer/folder/name/clip${n}.mp4,dog;cat\n`).join("")}`,
    );
    const before = process.memoryUsage().heapUsed;
    expect(await countItems(await openManifest(file))).toBe(40_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(6e7);
  });
});

describe("expectAdmitted", () => {
  it("refuses links that lead out and names that are not UTF-8", async () => {
    const root = at("tree");
    await symlink("/etc/hostname", at("tree/link.mp4"));
    await expect(expectAdmitted(at("tree/link.mp4"), { root })).rejects.toMatchObject({ reason: "outside-root" });
    await expectAdmitted(at("tree/link.mp4"), { root, allowOutside: true });
    await expectAdmitted(at("tree/val/cat/c.webm"), { root });
    await expectAdmitted(at("tree/not there.mp4"), { root });
    await expect(expectAdmitted(`${root}/\uFFFD.mp4`, { root })).rejects.toThrow("bytes that are not UTF-8");
  });
});

it("a manifest of an unknown kind, and one that is not there, are refused in words", async () => {
  await expect(openManifest(await put("list.txt"))).rejects.toThrow(
    "Name it .csv, .tsv, .jsonl or .json, or say which it is: folder, csv",
  );
  await expect(openManifest(at("nowhere.csv"))).rejects.toThrow("there is no such file or folder. Check the path");
});
