import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCheckpoint } from "./files.js";
import { archive, call, dictionary, named, pickle, tensor, text, tuple, whole } from "./torch-archive.test.fixture.js";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-torch-"));
  path = join(folder, "model.pth");
});
afterAll(() => rm(folder, { recursive: true }));

const six = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const halves = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0);
const wide = new Uint8Array(Float64Array.of(1 / 3).buffer);

const read = async (entries: Record<string, Uint8Array>, compress = false) => {
  await archive(path, entries, compress);
  return (await readCheckpoint(path)).tensors;
};
const save = (value: Uint8Array, data: Record<string, Uint8Array> = { "0": six }) => ({
  "model/data.pkl": pickle(value),
  "model/byteorder": new TextEncoder().encode("little"),
  ...Object.fromEntries(Object.entries(data).map(([key, content]) => [`model/data/${key}`, content])),
  "model/version": new TextEncoder().encode("3\n"),
});

describe("readCheckpoint of a PyTorch file", () => {
  it("reads windows, strides and shared storages", async () => {
    const tensors = await read(
      save(
        dictionary({
          plain: tensor("FloatStorage", "0", 6, 0, [2, 3], [3, 1]),
          turned: tensor("FloatStorage", "0", 6, 0, [3, 2], [1, 3]),
          window: tensor("FloatStorage", "0", 6, 2, [2], [2]),
          one: tensor("FloatStorage", "0", 6, 5, [], []),
          none: tensor("FloatStorage", "0", 6, 0, [0, 7], [7, 1]),
        }),
      ),
    );
    expect(Object.entries(tensors).map(([name, { shape, data }]) => [name, shape, Array.from(data)])).toEqual([
      ["plain", [2, 3], [1, 2, 3, 4, 5, 6]],
      ["turned", [3, 2], [1, 4, 2, 5, 3, 6]],
      ["window", [2], [3, 5]],
      ["one", [], [6]],
      ["none", [0, 7], []],
    ]);
  });

  it("makes half and double precision float32, and unwraps parameters", async () => {
    const parameter = (value: Uint8Array) =>
      call(named("torch._utils", "_rebuild_parameter"), tuple(value, Uint8Array.of(0x88), Uint8Array.of(0x4e)));
    const tensors = await read(
      save(
        dictionary({
          half: parameter(tensor("HalfStorage", "0", 2, 0, [2], [1])),
          double: tensor("DoubleStorage", "1", 1, 0, [1], [1]),
        }),
        { "0": halves, "1": wide },
      ),
    );
    expect(tensors.half).toEqual({ dtype: "float32", shape: [2], data: Float32Array.of(1, -2) });
    expect(tensors.double).toEqual({ dtype: "float32", shape: [1], data: Float32Array.of(1 / 3) });
  });

  it.each(["model", "state_dict"])("finds the tensors under %s", async (nest) => {
    const inner = dictionary({ x: tensor("FloatStorage", "0", 6, 0, [6], [1]) });
    expect(Object.keys(await read(save(dictionary({ epoch: whole(3), [nest]: inner }))))).toEqual(["x"]);
  });

  const x = tensor("FloatStorage", "0", 6, 0, [6], [1]);
  const good = save(dictionary({ x }));
  const evil = call(named("posix", "system"), tuple(text("touch /tmp/kdc-mae-was-here")));
  const refusals: [string, Record<string, Uint8Array>, string | RegExp][] = [
    [
      "any other constructor, naming it",
      save(dictionary({ x, run: evil })),
      "the pickle names posix.system, which is not among",
    ],
    ["a look-alike", save(dictionary({ x: named("torch", "load") })), "the pickle names torch.load,"],
    [
      "a call of what is no function",
      save(dictionary({ x: call(named("torch", "FloatStorage"), tuple()) })),
      "its pickle cannot be read",
    ],
    ["a whole model", save(call(named("torch.nn", "Linear"), tuple())), "the pickle names torch.nn.Linear"],
    [
      "a tensor larger than its storage",
      save(dictionary({ x: tensor("FloatStorage", "0", 6, 1, [2, 3], [3, 1]) })),
      "a tensor [2, 3] from 1 with strides [3, 1] needs more than the 6 numbers of its storage 0",
    ],
    [
      "a tensor blown up by strides of 0",
      save(dictionary({ x: tensor("FloatStorage", "0", 6, 0, [1 << 30], [0]) })),
      "needs more than the 6 numbers",
    ],
    [
      "a negative stride",
      save(dictionary({ x: tensor("FloatStorage", "0", 6, 5, [6], [-1]) })),
      "no sound storage, offset, shape and strides",
    ],
    [
      "a storage of another size",
      save(dictionary({ x: tensor("FloatStorage", "0", 7, 0, [6], [1]) })),
      "model/data/0 has 24 bytes where 28 were promised",
    ],
    ["a storage that is not there", save(dictionary({ x }), {}), "model/data/0 is missing"],
    [
      "big-endian numbers",
      { ...good, "model/byteorder": new TextEncoder().encode("big") },
      "its numbers are in big byte order",
    ],
    ["what is not a dictionary", save(whole(3)), "it holds no dictionary of tensors"],
    [
      "a dictionary without tensors",
      save(dictionary({ epoch: whole(3), lr: whole(1) })),
      "it holds no tensors; its keys are epoch, lr",
    ],
    ["other things among tensors", save(dictionary({ x, epoch: whole(3) })), "its entry epoch is not a tensor"],
    ["a cut pickle", { ...good, "model/data.pkl": good["model/data.pkl"].slice(0, 40) }, "its pickle cannot be read"],
    [
      "a length that goes backwards",
      save(Uint8Array.of(0x42, 0xf0, 0xff, 0xff, 0xff)),
      "its pickle cannot be read: a length of -16",
    ],
    ["another zip archive", { "readme.txt": six }, "it is a zip archive with 0 data.pkl, not a PyTorch file"],
  ];
  it.each(refusals)("refuses %s", async (_, entries, message) => {
    await expect(read(entries)).rejects.toThrow(message);
  });

  it("names the file and the remedy", async () => {
    await expect(read(save(dictionary({ x, run: evil })))).rejects.toThrow(
      `${path}: the pickle names posix.system, which is not among the constructors of a plain state dict. Save the state dict alone in PyTorch: torch.save(model.state_dict(), path). Nothing in the file was run`,
    );
  });

  it("refuses compressed entries, whose size could be a lie", async () => {
    await expect(read(good, true)).rejects.toThrow(
      "model/byteorder is compressed or encrypted, which PyTorch never does",
    );
  });

  it("refuses an entry that claims more bytes than the file has, before making room for them", async () => {
    const numbers = 2 ** 30 - 1;
    await archive(path, save(dictionary({ x: tensor("FloatStorage", "0", numbers, 0, [numbers], [1]) })));
    const file = await readFile(path);
    // The directory's record of the entry: sizes at 20 and 24, the name at 46.
    const record = file.lastIndexOf("model/data/0") - 46;
    for (const field of [20, 24]) file.writeUInt32LE(4 * numbers, record + field);
    await writeFile(path, file);
    await expect(readCheckpoint(path)).rejects.toThrow(/model\/data\/0 would end at byte 42949\d+ of a file of \d+/);
  });

  it("refuses a truncated file", async () => {
    await archive(path, good);
    const whole = await readFile(path);
    for (const length of [30, 200, whole.length - 10]) {
      await writeFile(path, whole.subarray(0, length));
      await expect(readCheckpoint(path)).rejects.toThrow(
        /model\.pth: it cannot be read as a PyTorch file: .*truncated/i,
      );
    }
  });

  it("says so of files older than PyTorch 1.6", async () => {
    await writeFile(path, Uint8Array.of(0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9));
    await expect(readCheckpoint(path)).rejects.toThrow(/saved by PyTorch before 1.6/);
  });
});
