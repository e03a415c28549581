"""KDC-MAE in PyTorch, for comparison only: the same pretraining step and the same embedding as the project's own.

Two uses, both print JSON:
  python pytorch_peer.py bench --config '{"embedDim": 768, ...}' --batch 4 --steps 2 --dtype float32 --task pretrain-step
  python pytorch_peer.py check FOLDER     # a folder of reference numbers (weights, inputs, losses): relative loss error

Written from the method's description: two complementary views, eleven blocks per modality, one joint block run three
times with its own norms, a shared decoder, and the sum of reconstruction, contrastive and distillation terms.
"""
import argparse
import json
import os
import resource
import struct
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, dim, heads, fused):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q @ k.transpose(-2, -1)) * (d // self.heads) ** -0.5).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, n, d))


class Block(nn.Module):
    def __init__(self, dim, heads, fused, streams=("",), eps=1e-5):
        super().__init__()
        for s in streams:
            setattr(self, "norm1" + s, nn.LayerNorm(dim, eps))
            setattr(self, "norm2" + s, nn.LayerNorm(dim, eps))
        self.attn = Attention(dim, heads, fused)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, 4 * dim), "fc2": nn.Linear(4 * dim, dim)})

    def forward(self, x, stream=""):
        x = x + self.attn(getattr(self, "norm1" + stream)(x))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](getattr(self, "norm2" + stream)(x))))


def sincos(dim, rows, columns):
    """2-D sine-cosine table [rows * columns, dim]: first half of the channels encodes the column, second half the row."""
    def one(d, p):
        angle = np.outer(p, 1.0 / 10000 ** (np.arange(d // 2, dtype=np.float64) / (d / 2)))
        return np.concatenate([np.sin(angle), np.cos(angle)], 1)
    r, c = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    table = np.concatenate([one(dim // 2, c.reshape(-1)), one(dim // 2, r.reshape(-1))], 1)
    return torch.from_numpy(table.astype(np.float32))[None]


class KdcMae(nn.Module):
    def __init__(self, c, fused=False):
        super().__init__()
        d, dd = c["embedDim"], c["decoderDim"]
        self.na = (c["rowsAudio"], c["columnsAudio"])
        self.nv = (c["rowsVisual"], c["columnsVisual"])
        pa, pv = c["patch"] ** 2, 3 * c["patch"] ** 2
        self.patch_a, self.patch_v = nn.Linear(pa, d), nn.Linear(pv, d)
        self.modality_a, self.modality_v = (nn.Parameter(torch.randn(1, 1, d) * 0.02) for _ in "av")
        block = lambda dim, heads, streams=("",): Block(dim, heads, fused, streams)
        self.blocks_a = nn.ModuleList(block(d, c["heads"]) for _ in range(c["modalityDepth"]))
        self.blocks_v = nn.ModuleList(block(d, c["heads"]) for _ in range(c["modalityDepth"]))
        self.blocks_u = nn.ModuleList(block(d, c["heads"], ("", "_a", "_v")) for _ in range(c["jointDepth"]))
        self.norm, self.norm_a, self.norm_v = (nn.LayerNorm(d, 1e-5) for _ in range(3))
        self.decoder_embed = nn.Linear(d, dd)
        self.mask_token, self.decoder_modality_a, self.decoder_modality_v = (
            nn.Parameter(torch.randn(1, 1, dd) * 0.02) for _ in range(3))
        self.decoder_blocks = nn.ModuleList(block(dd, c["decoderHeads"]) for _ in range(c["decoderDepth"]))
        self.decoder_norm = nn.LayerNorm(dd, 1e-5)
        self.decoder_pred_a, self.decoder_pred_v = nn.Linear(dd, pa), nn.Linear(dd, pv)
        for name, (dim, grid) in dict(pos_a=(d, self.na), pos_v=(d, self.nv), dpos_a=(dd, self.na), dpos_v=(dd, self.nv)).items():
            self.register_buffer(name, sincos(dim, *grid), persistent=False)

    @staticmethod
    def pick(tokens, where):
        return tokens.gather(1, where[:, :, None].expand(-1, -1, tokens.shape[2]))

    def encode(self, a, v):
        for block in self.blocks_a:
            a = block(a)
        for block in self.blocks_v:
            v = block(v)
        joint = torch.cat([a, v], 1)
        for block in self.blocks_u:
            joint, a, v = block(joint), block(a, "_a"), block(v, "_v")
        return self.norm(joint), self.norm_a(a), self.norm_v(v)

    def embed(self, xa, xv):
        return self.encode(self.patch_a(xa) + self.pos_a + self.modality_a, self.patch_v(xv) + self.pos_v + self.modality_v)

    def view(self, xa, xv, ka, kv):
        """One view: tokens of the three streams and predictions of every patch. ka, kv are the visible positions."""
        a = self.pick(self.patch_a(xa) + self.pos_a + self.modality_a, ka)
        v = self.pick(self.patch_v(xv) + self.pos_v + self.modality_v, kv)
        joint, ca, cv = self.encode(a, v)
        z = self.decoder_embed(joint)
        seats = []
        for part, where, n in ((z[:, : ka.shape[1]], ka, xa.shape[1]), (z[:, ka.shape[1]:], kv, xv.shape[1])):
            full = self.mask_token.to(z.dtype).expand(z.shape[0], n, -1)
            seats.append(full.scatter(1, where[:, :, None].expand(-1, -1, z.shape[2]), part))
        y = torch.cat([seats[0] + self.dpos_a + self.decoder_modality_a, seats[1] + self.dpos_v + self.decoder_modality_v], 1)
        for block in self.decoder_blocks:
            y = block(y)
        y = self.decoder_norm(y)
        return joint, ca, cv, self.decoder_pred_a(y[:, : xa.shape[1]]), self.decoder_pred_v(y[:, xa.shape[1]:])

    def loss(self, xa, xv, decks, keep_a, keep_v, norm_pixels=False):
        """decks: (audio [B, N], visual [B, N]) shuffled positions; view i sees the i-th slice of each."""
        total, joints = 0.0, []
        for i in range(2):
            ka, kv = decks[0][:, i * keep_a:(i + 1) * keep_a], decks[1][:, i * keep_v:(i + 1) * keep_v]
            joint, ca, cv, ra, rv = self.view(xa, xv, ka, kv)
            for target, guess, seen in ((xa, ra, ka), (xv, rv, kv)):
                if norm_pixels:
                    target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6) ** 0.5
                hidden = torch.ones(target.shape[:2], device=target.device).scatter(1, seen, 0.0)
                total = total + (((guess - target) ** 2).mean(-1) * hidden).sum() / hidden.sum()
            a, v = F.normalize(ca.mean(1).float(), dim=-1), F.normalize(cv.mean(1).float(), dim=-1)
            total = total - 0.01 * torch.diag(F.log_softmax(a @ v.T / 0.05, dim=0)).mean()
            joints.append(joint.float().mean(1))
        p, q = ((z + z.min().abs()) / (z + z.min().abs()).sum(1, keepdim=True) for z in joints)
        m, e = (p + q) / 2, 1e-12
        kl = lambda s, t: (s * torch.log((s + e) / (t + e))).sum(1)
        return total + 10 * (0.5 * (kl(p, m) + kl(q, m))).mean()


def read_safetensors(path):
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(size)), f.read()
    kinds = {"F32": np.float32, "I64": np.int64, "I32": np.int32}
    return {k: torch.from_numpy(np.frombuffer(data[v["data_offsets"][0]:v["data_offsets"][1]], kinds[v["dtype"]]).reshape(v["shape"]).copy())
            for k, v in header.items() if k != "__metadata__"}


def patches(x, p):
    """[B, C, H, W] to [B, N, P], numbers in a patch running height, width, channel."""
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).reshape(b, (h // p) * (w // p), p * p * c)


def check(folder):
    c = json.load(open(os.path.join(folder, "index.json")))
    g, p = c["config"], c["config"]["patch"]
    g.update(rowsAudio=g["melBins"] // p, columnsAudio=g["frames"] // p, rowsVisual=g["imageSize"] // p, columnsVisual=g["imageSize"] // p)
    model = KdcMae(g)
    weights = read_safetensors(os.path.join(folder, "weights.safetensors"))
    inputs = read_safetensors(os.path.join(folder, "inputs.safetensors"))
    for m in "av":
        k = weights.pop(f"patch_embed_{m}.proj.weight")
        weights[f"patch_{m}.weight"] = k.permute(0, 2, 3, 1).reshape(k.shape[0], -1)
        weights[f"patch_{m}.bias"] = weights.pop(f"patch_embed_{m}.proj.bias")
    own = model.state_dict()
    model.load_state_dict({k: weights[k] for k in own})
    xa = patches(inputs["audio"].unsqueeze(1).transpose(2, 3), p)
    xv = patches(inputs["imgs"], p)
    decks = (inputs["noise_a0"].argsort(1), inputs["noise_v0"].argsort(1))
    keep = [int(x.shape[1] * (1 - g["maskRatio"])) for x in (xa, xv)]
    errors = {}
    for name, norm in (("complementary", False), ("complementary_normpix", True)):
        with torch.no_grad():
            ours = model.loss(xa, xv, decks, *keep, norm_pixels=norm).item()
        errors[name] = abs(ours - c["cases"][name]["loss"]) / abs(c["cases"][name]["loss"])
    print(json.dumps({"errors": errors}))


def bench(args):
    c = json.loads(args.config)
    torch.manual_seed(0)
    device = torch.device(args.device)
    model = KdcMae(c, fused=args.attention == "fused").to(device)
    na, nv = c["rowsAudio"] * c["columnsAudio"], c["rowsVisual"] * c["columnsVisual"]
    b, keep = args.batch, [int(n * (1 - c["maskRatio"])) for n in (na, nv)]
    xa = torch.randn(b, na, c["patch"] ** 2, device=device)
    xv = torch.randn(b, nv, 3 * c["patch"] ** 2, device=device)
    autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=args.dtype == "bfloat16")
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    times = []
    if args.task == "pretrain-step":
        optimizer = torch.optim.Adam(model.parameters(), 1e-4, betas=(0.95, 0.999), weight_decay=5e-7)
    else:
        model.eval()
    for _ in range(args.steps + args.warmup):
        wait()
        start = time.perf_counter()
        if args.task == "pretrain-step":
            decks = (torch.rand(b, na, device=device).argsort(1), torch.rand(b, nv, device=device).argsort(1))
            optimizer.zero_grad()
            with autocast:
                loss = model.loss(xa, xv, decks, *keep, norm_pixels=True)
            loss.backward()
            optimizer.step()
        else:
            with torch.inference_mode(), autocast:
                model.embed(xa, xv)
        wait()
        times.append(time.perf_counter() - start)
        if len(times) <= args.warmup:
            continue
        # After every repetition: whoever ends this early has what there is.
        peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": times[args.warmup:], "peakBytes": peak, "torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    sub = parser.add_subparsers(dest="command", required=True)
    p = sub.add_parser("check")
    p.add_argument("folder")
    p = sub.add_parser("bench")
    p.add_argument("--config", required=True)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--steps", type=int, default=2)
    p.add_argument("--warmup", type=int, default=1)
    p.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    p.add_argument("--task", choices=["pretrain-step", "embed"], default="pretrain-step")
    p.add_argument("--attention", choices=["plain", "fused"], default="plain")
    p.add_argument("--device", default="cpu")
    args = parser.parse_args()
    check(args.folder) if args.command == "check" else bench(args)
