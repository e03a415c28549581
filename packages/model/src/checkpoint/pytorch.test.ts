import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, type Tree, treeLeaves } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelConfig } from "../config.js";
import { initModel } from "../init.js";
import { readCheckpoint, saveCheckpoint } from "./files.js";
import { loadModel } from "./load.js";

const python = process.env.KDC_PYTHON ?? "python3";
const ready = spawnSync(python, ["-c", "import torch"], { encoding: "utf8" });
const reason = ready.status === 0 ? undefined : (ready.error?.message ?? ready.stderr.trim().split("\n").at(-1));
if (reason !== undefined) {
  console.info(`skipped: no PyTorch under ${python} (${reason}); name another with KDC_PYTHON`);
}

/**
 * The layout of the official CAV-MAE class in PyTorch's own layers, so that a strict `load_state_dict` proves names,
 * shapes and completeness. Then it saves what it loaded, in the ways training scripts do.
 */
const program = `
import sys, json, torch
from torch import nn
folder, c = sys.argv[1], json.loads(sys.argv[2])
def load_file(path):
    raw = bytearray(open(path, "rb").read())
    start = 8 + int.from_bytes(raw[:8], "little")
    entries = {k: v for k, v in json.loads(raw[8:start]).items() if k != "__metadata__"}
    data = lambda b, e: torch.frombuffer(raw, dtype=torch.float32, offset=start + b, count=(e - b) // 4)
    return {k: data(*v["data_offsets"]).reshape(v["shape"]) for k, v in entries.items()}
class Named(nn.Module):
    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items(): setattr(self, name, part)
def block(d):
    norms = {n + s: nn.LayerNorm(d) for n in ("norm1", "norm2") for s in ("", "_a", "_v")}
    return Named(**norms, attn=Named(qkv=nn.Linear(d, 3 * d), proj=nn.Linear(d, d)), mlp=Named(fc1=nn.Linear(d, 4 * d), fc2=nn.Linear(4 * d, d)))
blocks = lambda n, d: nn.ModuleList([block(d) for _ in range(n)])
token = lambda *shape: nn.Parameter(torch.zeros(*shape))
conv = lambda g, d: Named(proj=nn.Conv2d(g["channels"], d, g["patch"], g["patch"]))
a, v, D, d = c["audio"], c["visual"], c["embedDim"], c["decoderDim"]
count = lambda g: g["rows"] * g["columns"]
length = lambda g: g["patch"] ** 2 * g["channels"]
model = Named(
    patch_embed_a=conv(a, D), patch_embed_v=conv(v, D), modality_a=token(1, 1, D), modality_v=token(1, 1, D),
    pos_embed_a=token(1, count(a), D), pos_embed_v=token(1, count(v), D),
    blocks_a=blocks(c["modalityDepth"], D), blocks_v=blocks(c["modalityDepth"], D), blocks_u=blocks(c["jointDepth"], D),
    norm_a=nn.LayerNorm(D), norm_v=nn.LayerNorm(D), norm=nn.LayerNorm(D),
    decoder_embed=nn.Linear(D, d), mask_token=token(1, 1, d), decoder_modality_a=token(1, 1, d), decoder_modality_v=token(1, 1, d),
    decoder_pos_embed_a=token(1, count(a), d), decoder_pos_embed_v=token(1, count(v), d),
    decoder_blocks=blocks(c["decoderDepth"], d), decoder_norm=nn.LayerNorm(d),
    decoder_pred_a=nn.Linear(d, length(a)), decoder_pred_v=nn.Linear(d, length(v)))
model.load_state_dict(load_file(folder + "/ours.safetensors"), strict=True)
torch.save(model.state_dict(), folder + "/plain.pth")
torch.save({"epoch": 3, "state_dict": nn.DataParallel(model).state_dict()}, folder + "/nested.pth")
torch.save({k: p for k, p in model.named_parameters()}, folder + "/parameters.pth")
import argparse, collections
beside = dict(args=argparse.Namespace(lr=1e-3, device=torch.device("cpu"), type=torch.float32), epoch=3, scaler={},
    seen=collections.defaultdict(list, a=[1]), counts=collections.Counter("abca"), size=torch.Size([2, 3]), none=None,
    big=10**30, raw=b"bytes", chosen={1, 2}, slow=frozenset([3]), path=__import__("pathlib").Path("x"),
    optimizer=torch.optim.AdamW(model.parameters()).state_dict(), step=torch.tensor(5), rng=torch.get_rng_state())
try:
    import numpy as np
    beside.update(best=np.float64(0.5), curve=np.arange(5), wide=np.float32(2), random=np.random.get_state())
except ImportError: pass
for p in (2, 3, 4, 5): torch.save({"model": model.state_dict(), **beside}, f"{folder}/beside{p}.pth", pickle_protocol=p)
compiled = {("module._orig_mod." + k): v for k, v in model.state_dict().items()}
torch.save({"state_dict": compiled}, folder + "/compiled.pth")
w = torch.arange(12.).reshape(3, 4)
attributed = torch.nn.Parameter(w.clone()); attributed.note = "kept"
torch.save({"expanded": w[1].expand(2, 4), "one": torch.ones(()).expand(2, 3), "negated": torch._neg_view(w), "turned": w.T,
    "stepped": w[::2, 1::2], "tied": w, "attributed": attributed, "empty": torch.zeros(0, 3)}, folder + "/views.pth")
torch.save({"w": torch.ones(3, dtype=torch.complex64)}, folder + "/complex.pth")
torch.save({"w": torch.ones(3).to(torch.float8_e4m3fn)}, folder + "/f8.pth")
torch.save({"w": torch.ones(3).to_sparse()}, folder + "/sparse.pth")
torch.save(model.half().state_dict(), folder + "/half.pth")
torch.save(model, folder + "/whole.pth")
`;

describe.skipIf(reason !== undefined)("PyTorch itself", () => {
  const config: ModelConfig = {
    embedDim: 20,
    heads: 5,
    modalityDepth: 2,
    jointDepth: 1,
    decoderDim: 12,
    decoderHeads: 3,
    decoderDepth: 1,
    layerNormEpsilon: 1e-5,
    positions: "learned",
    audio: { rows: 2, columns: 7, patch: 3, channels: 1 },
    visual: { rows: 3, columns: 3, patch: 5, channels: 3 },
  };
  const params = initModel(config, createRng("pytorch"));
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-mae-pytorch-"));
    await saveCheckpoint(join(folder, "ours.safetensors"), config, params);
    const run = spawnSync(python, ["-c", program, folder, JSON.stringify(config)], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(run.stderr);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const bits = (tree: Tree<FloatTensor>) =>
    treeLeaves<FloatTensor>(tree).map(([path, { shape, data }]) => [
      path,
      shape,
      Buffer.from(data.buffer).toString("hex"),
    ]);

  it.each(["plain", "nested", "parameters", "compiled", "beside2", "beside3", "beside4", "beside5"])(
    "takes our file strictly, and gives it back to the bit in %s.pth",
    async (name) => {
      const { tensors } = await readCheckpoint(join(folder, `${name}.pth`));
      expect(bits(loadModel(config, tensors).params)).toEqual(bits(params));
    },
  );

  it("gives views as PyTorch shows them", async () => {
    const { tensors } = await readCheckpoint(join(folder, "views.pth"));
    const told = Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data }]) => [name, [shape, [...data]]]),
    );
    const w = Array.from({ length: 12 }, (_, i) => i);
    expect(told).toEqual({
      expanded: [
        [2, 4],
        [4, 5, 6, 7, 4, 5, 6, 7],
      ],
      one: [
        [2, 3],
        [1, 1, 1, 1, 1, 1],
      ],
      negated: [[3, 4], w.map((value) => -value)],
      turned: [
        [4, 3],
        [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11],
      ],
      stepped: [
        [2, 2],
        [1, 3, 9, 11],
      ],
      tied: [[3, 4], w],
      attributed: [[3, 4], w],
      empty: [[0, 3], []],
    });
  });

  it.each([
    ["complex", "w holds numbers of type torch.ComplexFloatStorage, and this type is not read"],
    ["f8", "w holds numbers of type torch.float8_e4m3fn, and this type is not read"],
    ["sparse", "w is made by torch._utils._rebuild_sparse_tensor, which is not built"],
    ["whole", "it holds an object of __main__.Named, and objects are not built"],
  ])("says why %s.pth is not read", async (name, message) => {
    await expect(readCheckpoint(join(folder, `${name}.pth`))).rejects.toThrow(message);
  });

  it("gives back half precision to three digits", async () => {
    const { tensors } = await readCheckpoint(join(folder, "half.pth"));
    const read = treeLeaves<FloatTensor>(loadModel(config, tensors).params);
    const expected = new Map(treeLeaves<FloatTensor>(params));
    for (const [path, { data }] of read) {
      const worst = Math.max(...data.map((value, i) => Math.abs(value - expected.get(path)!.data[i])));
      expect([path, worst < 1e-3]).toEqual([path, true]);
    }
  });
});
