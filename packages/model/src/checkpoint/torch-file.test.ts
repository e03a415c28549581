import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCheckpoint } from "./files.js";
import {
  archive,
  bytes,
  call,
  dictionary,
  named,
  object,
  save,
  six,
  tensor,
  text,
  tuple,
  whole,
} from "./torch-archive.test.fixture.js";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-torch-"));
  path = join(folder, "model.pth");
});
afterAll(() => rm(folder, { recursive: true }));

const halves = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0);
const wide = new Uint8Array(Float64Array.of(1 / 3).buffer);

const read = async (entries: Record<string, Uint8Array>) => {
  await archive(path, entries);
  return (await readCheckpoint(path)).tensors;
};

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
  it("passes over what a training script saved beside the model, and makes none of it", async () => {
    const beside = {
      args: object("argparse", "Namespace", {
        lr: whole(1),
        device: call(named("torch", "device"), tuple(text("cuda"))),
      }),
      best: call(named("numpy.core.multiarray", "scalar"), tuple(named("numpy", "dtype"), bytes("C", 8, wide))),
      seen: bytes(call(named("collections", "defaultdict"), tuple(named("builtins", "list"))), "(", text("a"), "]u"),
      counts: call(named("collections", "Counter"), tuple(dictionary({ dog: whole(3) }))),
      optimizer: dictionary({ state: dictionary({}), betas: tuple(whole(0), whole(1)) }),
      scaler: dictionary({}),
      hook: evil,
    };
    const model = dictionary({ x, epoch: whole(3), note: text("yes"), extra: object("my.code", "Thing") });
    for (const nest of ["model", "state_dict"]) {
      expect(Object.keys(await read(save(dictionary({ ...beside, [nest]: model }))))).toEqual(["x"]);
    }
    expect(Object.keys(await read(save(dictionary({ ...beside, x }))))).toEqual(["x"]);
    // A step counter that is a tensor does not hide the model beside it.
    const step = tensor("FloatStorage", "0", 6, 0, [], []);
    expect(Object.keys(await read(save(dictionary({ step, model }))))).toEqual(["x"]);
  });

  it("reads expanded and negated tensors as PyTorch does", async () => {
    const { wide: expanded, less } = await read(
      save(
        dictionary({
          wide: tensor("FloatStorage", "0", 6, 1, [2, 3], [0, 1]),
          less: tensor("FloatStorage", "0", 6, 0, [6], [1], ["neg"]),
          same: tensor("FloatStorage", "0", 6, 0, [6], [1], ["conj"]),
        }),
      ),
    );
    expect(Array.from(expanded.data)).toEqual([2, 3, 4, 2, 3, 4]);
    expect(Array.from(less.data)).toEqual([-1, -2, -3, -4, -5, -6]);
  });

  it("reads what Python 2 and later protocols write: pairs, short texts, memo, frames", async () => {
    const framed = bytes(0x95, new Uint8Array(8), "}", 0x94, 0x8c, 1, "x", 0x94, x, "s", "h", 0, "0");
    expect(Object.keys(await read(save(framed)))).toEqual(["x"]);
    const pairs = call(named("collections", "OrderedDict"), tuple(bytes("](]", "(", "U", 1, "x", x, "ee")));
    expect(Object.keys(await read(save(pairs)))).toEqual(["x"]);
  });

  const refusals: [string, Record<string, Uint8Array>, string | RegExp][] = [
    [
      "an object where the tensors should be, naming it",
      save(dictionary({ model: evil })),
      "it holds no tensors; its keys are model (model is made by posix.system, which is not built)",
    ],
    ["a look-alike", save(dictionary({ x: named("torch", "load") })), "it holds no tensors; its keys are x"],
    [
      "a tensor of a kind that is not built",
      save(dictionary({ x, w: call(named("torch._utils", "_rebuild_sparse_tensor"), tuple()) })),
      "w is made by torch._utils._rebuild_sparse_tensor, which is not built. Save plain tensors in PyTorch",
    ],
    [
      "complex numbers, as a type and not as damage",
      save(dictionary({ x, w: tensor("ComplexFloatStorage", "0", 3, 0, [3], [1], ["conj"]) })),
      "w holds numbers of type torch.ComplexFloatStorage, and this type is not read. Save it as float32",
    ],
    [
      "a call of what is no function",
      save(dictionary({ x: call(text("x"), tuple()) })),
      "it calls something that is not a function",
    ],
    [
      "a whole model",
      save(call(named("torch.nn", "Linear"), tuple())),
      "it holds an object of torch.nn.Linear, and objects are not built",
    ],
    [
      "a tensor larger than its storage",
      save(dictionary({ x: tensor("FloatStorage", "0", 6, 1, [2, 3], [3, 1]) })),
      "a tensor [2, 3] from 1 with strides [3, 1] needs more than the 6 numbers of its storage 0",
    ],
    [
      "a tensor blown up by strides of 0",
      save(dictionary({ x: tensor("FloatStorage", "0", 6, 0, [1 << 30], [0]) })),
      "its tensors hold 1073741824 numbers, but only 6 are stored, so 16000024 at most are read",
    ],
    [
      "a negative stride",
      save(dictionary({ x: tensor("FloatStorage", "0", 6, 5, [6], [-1]) })),
      "no valid storage, offset, shape and strides",
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
      "its numbers are in big-endian byte order",
    ],
    ["what is not a dictionary", save(whole(3)), "it holds no dictionary of tensors"],
    [
      "a dictionary without tensors",
      save(dictionary({ epoch: whole(3), lr: whole(1) })),
      "it holds no tensors; its keys are epoch, lr",
    ],
    ["a cut pickle", { ...good, "model/data.pkl": good["model/data.pkl"].slice(0, 40) }, "its pickle cannot be read"],
    [
      "a length that goes backwards",
      save(Uint8Array.of(0x42, 0xf0, 0xff, 0xff, 0xff)),
      "its pickle cannot be read: it ends early",
    ],
    [
      "a TorchScript program",
      {
        ...save(object("__torch__", "M")),
        "model/code/__torch__.py": bytes("class M(Module):"),
        "model/constants.pkl": bytes(0x80, 2, ")."),
      },
      `it is a TorchScript program (torch.jit.save), not a file of weights. Take its weights out in PyTorch: torch.save(torch.jit.load(path, map_location='cpu').state_dict(), "weights.pth")`,
    ],
    [
      "an exported program",
      { "model/archive_format": bytes("pt2"), "model/models/model.json": bytes("{}") },
      "it is an exported program (torch.export.save), not a file of weights. Take its weights out in PyTorch: torch.save(torch.export.load(path).state_dict",
    ],
    ["another zip archive", { "readme.txt": six }, "it is a zip archive with 0 data.pkl, not a PyTorch file"],
  ];
  it.each(refusals)("refuses %s", async (_, entries, message) => {
    await expect(read(entries)).rejects.toThrow(message);
  });

  it("names the file and the remedy", async () => {
    await expect(read(save(evil))).rejects.toThrow(
      `${path}: it holds an object of posix.system, and objects are not built. Save plain tensors in PyTorch: torch.save(model.state_dict(), path). Nothing in the file was run`,
    );
  });

  it("says so of files older than PyTorch 1.6", async () => {
    await writeFile(path, Uint8Array.of(0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9));
    await expect(readCheckpoint(path)).rejects.toThrow(/saved by PyTorch before 1.6/);
  });
});
