import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, isKdcError } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSample } from "../shards/sample.js";
import { scanShard } from "../shards/shard-index.js";
import { packTar } from "../shards/tar.js";
import { decodePicture, encodePicture } from "../visual/encode-picture.js";
import { encodeWav } from "./encode-wav.js";
import { createPipesDecoder } from "./ffmpeg-pipes.js";
import { ffmpeg, makeFilm, makeMedia } from "./make-media.test.support.js";
import { itemReasons } from "./media-error.js";
import { decodeWav } from "./wav.js";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-hostile-"));
  await makeFilm(at("good.mp4"), 1);
});
afterAll(() => rm(folder, { recursive: true }));

const request = { sampleRate: 16000, frames: { count: 2, limit: 10 }, size: 16, seconds: 2 };
const decode = (path: string, decoder = createPipesDecoder(ffmpeg, { timeoutMs: 20_000 })) =>
  decoder.decode({ id: "clip", path, labels: [] }, request);

/** A copy with some bytes changed, removed or repeated. */
function mutate(bytes: Uint8Array, seed: string, reach = bytes.length): Uint8Array {
  const rng = createRng(seed);
  const copy = Uint8Array.from(bytes);
  for (let change = 1 + rng.integer(8); change > 0; change--) {
    const place = rng.integer(reach);
    const odd = [0, 1, 0x7f, 0x80, 0xff, rng.integer(256)];
    copy[place] = odd[rng.integer(odd.length)];
    if (rng.uniform() < 0.2) copy.fill(odd[rng.integer(odd.length)], place, place + rng.integer(9));
    if (rng.uniform() < 0.1) copy.copyWithin(place, rng.integer(reach), rng.integer(copy.length));
  }
  return rng.uniform() < 0.2 ? copy.subarray(0, rng.integer(copy.length)) : copy;
}

describe("mutated bytes", () => {
  it("WAV: 3000 files are decoded or refused in words, and none takes more memory than it has bytes", () => {
    const good = encodeWav({ samples: Float32Array.from({ length: 997 }, (_, n) => Math.sin(n)), sampleRate: 16000 });
    const extensible = Uint8Array.from([
      ...good.subarray(0, 16),
      40,
      0,
      0,
      0,
      0xfe,
      0xff,
      ...good.subarray(22, 36),
      ...new Uint8Array(24),
      ...good.subarray(36),
    ]);
    let decoded = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = mutate(round % 2 ? good : extensible, `wav ${round}`, 60);
      try {
        const { samples, sampleRate } = decodeWav(bytes, "x", { streamed: round % 3 === 0 });
        expect(samples.length).toBeLessThanOrEqual(bytes.length);
        expect(sampleRate).toBeGreaterThan(0);
        decoded++;
      } catch (error) {
        if (!isKdcError(error)) expect.fail(`round ${round}: ${error}`);
      }
    }
    expect(decoded).toBeGreaterThan(90);
    expect(decoded).toBeLessThan(2800);
  });

  it("mp4: 40 files are decoded or left out with a reason, and ffmpeg always ends", async () => {
    const good = await readFile(at("good.mp4"));
    const index = good.indexOf("moov") - 4;
    const reasons: string[] = [];
    for (let round = 0; round < 40; round++) {
      const path = at(`mutated-${round}.mp4`);
      const head = mutate(good.subarray(index), `mp4 ${round}`);
      await writeFile(
        path,
        round % 4 === 0 ? mutate(good, `mp4 ${round}`) : Buffer.concat([good.subarray(0, index), head]),
      );
      const outcome = await decode(path).then(
        ({ frames, waveform }) => `decoded ${frames.length} ${waveform.sampleRate}`,
        (error) => (isKdcError(error) ? error.reason : `crash: ${error}`),
      );
      reasons.push(outcome);
    }
    const strange = reasons.filter((reason) => reason !== "decoded 2 16000" && !itemReasons.has(reason));
    expect(strange).toEqual([]);
    expect(new Set(reasons).size).toBeGreaterThan(2);
    expect(reasons).not.toContain("timeout");
  });

  /** The same bytes with every header's sum set right, so that what it says is believed. */
  function withRightSums(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(bytes);
    for (let at = 0; at + 512 <= copy.length; at += 512) {
      if (copy[at + 257] !== 0x75) continue;
      const header = copy.subarray(at, at + 512);
      header.fill(32, 148, 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    }
    return copy;
  }

  const outcome = async <T>(work: () => Promise<T>, round: string): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!isKdcError(error)) expect.fail(`${round}: ${(error as Error).stack}`);
      return undefined;
    }
  };

  it("tars: of 1200, headers believed in half of them, samples are read right or refused in words", async () => {
    const json = new TextEncoder().encode('{"id":"a","labels":["x"],"logMel":{"shape":[2,3],"dtype":"float32"}}');
    const entries = [
      { name: "k.0.jpg", data: new Uint8Array(700).fill(7) },
      { name: "k.logmel", data: new Uint8Array(24) },
      { name: "k.wav", data: new Uint8Array(50) },
      { name: "k.json", data: json },
    ];
    const good = packTar(entries);
    const tallies = { read: 0, refused: 0, indexed: 0 };
    for (let round = 0; round < 1200; round++) {
      const damaged = mutate(good, `tar ${round}`);
      const bytes = round % 2 ? withRightSums(damaged) : damaged;
      const sample = await outcome(async () => readSample(bytes, "x.tar"), `tar ${round}`);
      tallies[sample ? "read" : "refused"]++;
      const held = (sample?.pictures ?? []).reduce((sum, { length }) => sum + length, 0);
      expect(held).toBeLessThanOrEqual(bytes.length);
      await outcome(async () => sample?.logMel?.(), `log-mel ${round}`);
      const scan = async function* () {
        yield bytes;
      };
      const index = await outcome(() => scanShard(scan(), "x.tar"), `index ${round}`);
      for (const { offset, bytes: size, id, labels } of index ?? []) {
        tallies.indexed++;
        expect(offset + size).toBeLessThanOrEqual(512 * Math.ceil(bytes.length / 512));
        const again = await outcome(
          async () => readSample(bytes.subarray(offset, offset + size), "x"),
          `both ${round}`,
        );
        if (again) expect([again.notes.id, again.notes.labels]).toEqual([id, labels]);
      }
    }
    expect(tallies.read).toBeGreaterThan(150);
    expect(tallies.refused).toBeGreaterThan(300);
    expect(tallies.indexed).toBeGreaterThan(150);
  });

  it("pictures: of 600, some are decoded, to the size they claim, and the others refused in words", async () => {
    const picture = await encodePicture(
      { width: 19, height: 17, data: new Uint8Array(19 * 17 * 3).fill(99), time: 0 },
      { kind: "jpeg", quality: 80 },
    );
    let [decoded, refused] = [0, 0];
    for (let round = 0; round < 600; round++) {
      const frame = await outcome(() => decodePicture(mutate(picture, `jpeg ${round}`), "x"), `jpeg ${round}`);
      if (frame) expect(frame.data.length).toBe(frame.width * frame.height * 3);
      if (frame) decoded++;
      else refused++;
    }
    expect(decoded).toBeGreaterThan(60);
    expect(refused).toBeGreaterThan(60);
  });
});

describe("files that want something else", () => {
  it("playlists reach neither the network nor other files", async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.end("x");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.ts`;
    const hls = (target: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${target}\n#EXT-X-ENDLIST\n`;
    const lists: [string, string][] = [
      ["web.mp4", hls(address)],
      ["web.m3u8", hls(address)],
      ["local.m3u8", hls(at("good.mp4"))],
      [
        "dash.mpd",
        `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>${address}</BaseURL></Period></MPD>`,
      ],
      ["list.txt", `ffconcat version 1.0\nfile '${address}'\n`],
      ["form.sdp", `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n`],
    ];
    for (const [name, text] of lists) {
      await writeFile(at(name), text);
      await expect(decode(at(name))).rejects.toMatchObject({ reason: "not-media" });
    }
    expect(asked).toBe(0);
    server.close();
  });

  it("pictures of absurd size are refused before they fill the memory", async () => {
    await makeMedia(
      at("huge.mkv"),
      "-f",
      "lavfi",
      "-i",
      "color=s=6100x6000:r=1:d=1",
      "-f",
      "lavfi",
      "-i",
      "sine=r=16000",
      "-t",
      "1",
      "-c:v",
      "mjpeg",
      "-pix_fmt",
      "yuvj420p",
    );
    await expect(decode(at("huge.mkv"))).rejects.toMatchObject({ reason: "too-large" });
  });

  it("an ffmpeg that is killed from outside is tried once more, then reported as killed", async () => {
    await writeFile(at("shot"), `#!/bin/sh\necho x >> '${at("shots")}'\nkill -9 $$\n`);
    await chmod(at("shot"), 0o755);
    const error = await decode(at("good.mp4"), createPipesDecoder(at("shot"))).catch((thrown) => thrown);
    expect(error).toMatchObject({ reason: "killed", message: expect.stringContaining("Check whether memory ran out") });
    expect(await readFile(at("shots"), "utf8")).toBe("x\nx\n");
  });
});
