import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { disk, type FileSystem } from "@kdc-mae/core/node";
import { beforeAll, describe, expect, it } from "vitest";
import { openManifest } from "../manifest/read-manifest.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { ffmpeg } from "../media/make-media.test.support.js";
import { mediaError } from "../media/media-error.js";
import { type PrepareProgress, prepare } from "./prepare.js";
import { at, fingerprint, optionsOf, run } from "./prepared-set.test.support.js";

it("keeps what decoded a set, and says when it is gone on with by something else", async () => {
  const stopping = new AbortController();
  const onProgress = ({ done }: PrepareProgress) => void (done === 4 && stopping.abort());
  const first = run("versions", { decodedBy: "ffmpeg 5.1", onProgress, signal: stopping.signal });
  await expect(first).rejects.toMatchObject({ reason: "aborted" });
  const notes: string[] = [];
  const { decodedBy } = await run("versions", { decodedBy: "ffmpeg 7.0", onNote: (note) => notes.push(note) });
  expect(decodedBy).toEqual(["ffmpeg 5.1", "ffmpeg 7.0"]);
  expect(notes).toEqual([
    "finished shards were decoded by ffmpeg 5.1, the rest is decoded by ffmpeg 7.0; clips may differ",
  ]);
});

describe("prepare, run again", () => {
  let undisturbed: Record<string, string> = {};
  beforeAll(async () => {
    await run("whole");
    undisturbed = await fingerprint("whole");
  });

  it.each([0, 2, 5, 9])("stopped after %i clips and run again, ends with the same bytes", async (stopAfter) => {
    const out = `stopped-${stopAfter}`;
    const stop = new AbortController();
    const onProgress = ({ done }: { done: number }) => {
      if (done > stopAfter) stop.abort();
    };
    const tried = new Set<string>();
    const noting = {
      ...createPipesDecoder(ffmpeg),
      decode: (...args: Parameters<ReturnType<typeof createPipesDecoder>["decode"]>) => {
        tried.add(args[0].id);
        return createPipesDecoder(ffmpeg).decode(...args);
      },
    };
    await expect(run(out, { signal: stop.signal, onProgress, decoder: noting, workers: 5 })).rejects.toMatchObject({
      reason: "aborted",
    });
    // Nothing of a later shard was begun: what is done again is at most the shard at hand.
    const atHand = Math.floor((stopAfter + 1) / 3);
    expect([...tried].filter((id) => Number(id.slice(4)) >= 3 * (atHand + 1))).toEqual([]);
    expect(await fingerprint(out)).not.toHaveProperty(["dataset.json"]);
    let [reused, begun] = [0, 0];
    const decoder = createPipesDecoder(ffmpeg);
    const counting = {
      ...decoder,
      decode: (...args: Parameters<typeof decoder.decode>) => {
        begun++;
        return decoder.decode(...args);
      },
    };
    await run(out, { decoder: counting, workers: 3, onProgress: (progress) => (reused = progress.reused) });
    expect(await fingerprint(out)).toEqual(undisturbed);
    expect(reused).toBe(3 * Math.floor((stopAfter + 1) / 3));
    expect(begun).toBe(11 - reused);
  });

  it.each([
    [
      "ENOSPC",
      "disk-full",
      "the disk is full. Free some space and run the same command again; what was finished is kept",
    ],
    ["EACCES", "permission", "permission denied. Check who may read and write it"],
  ])("on %s says so, leaves nothing half-written, and goes on later", async (code, reason, message) => {
    let left = 60_000;
    const failing: FileSystem = {
      ...disk,
      async open(path) {
        const file = await disk.open(path);
        const write = async (bytes: Uint8Array) => {
          left -= bytes.length;
          if (left < 0) {
            await file.write(bytes.subarray(0, 100));
            throw Object.assign(new Error(code), { code });
          }
          return file.write(bytes);
        };
        return { ...file, write };
      },
    };
    const error = await run(code, { files: failing }).catch((thrown) => thrown);
    expect(error).toMatchObject({ reason, where: expect.stringContaining("shard-00000") });
    expect(error.message).toContain(message);
    expect((await readdir(at(code))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    await run(code);
    expect(await fingerprint(code)).toEqual(undisturbed);
  });

  it("does again a shard that is cut short, and refuses other options or another manifest", async () => {
    await writeFile(at("stopped-0/shard-000002.tar"), "half");
    await run("stopped-0");
    expect(await fingerprint("stopped-0")).toEqual(undisturbed);
    const content = { clipsPerShard: 4, frames: { count: 5, limit: 10 }, size: 37, logMel: "float16" } as const;
    await expect(run("whole", { content })).rejects.toThrow(
      "it holds a set that was prepared with other options (clipsPerShard is 4, and 3 there; frames.count is 5, and 2 there). Give the same options",
    );
    await writeFile(at("media/none.jsonl"), '{"path":"page.mp4"}\n{"path":"gone.mp4"}');
    await expect(run("of-none", { manifest: await openManifest(at("media/none.jsonl")) })).rejects.toThrow(
      `${at("of-none")}: none of its clips could be used (missing 1, not-media 1). Look at ${at("of-none/quarantine.jsonl")}`,
    );
    await mkdir(at("empty"));
    await expect(run("of-empty", { manifest: await openManifest(at("empty")) })).rejects.toThrow(
      `${at("of-empty")}: there are no clips in what it is made from (its files begin at ${at("empty")}). Give a folder`,
    );
    await writeFile(at("media/other.jsonl"), '{"path":"page.mp4"}');
    await expect(run("whole", { manifest: await openManifest(at("media/other.jsonl")) })).rejects.toThrow(
      "it was made from other clips",
    );
  });

  it("makes a shard again when a byte of it has changed, instead of taking it over", async () => {
    await run("changed");
    const tar = at("changed/shard-000001.tar");
    const bytes = await readFile(tar);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(tar, bytes);
    let last: PrepareProgress | undefined;
    const onProgress = (progress: PrepareProgress) => {
      last = progress;
    };
    await run("changed", { onProgress });
    expect(last).toMatchObject({ done: 11, reused: 8, mended: 1 });
    expect(await fingerprint("changed")).toEqual(undisturbed);
  });

  it.each(["timeout", "killed"] as const)(
    "tries clips again that gave %s, once a run, alone or with others",
    async (reason) => {
      const plain = createPipesDecoder(ffmpeg);
      let asked = 0;
      const crowded: typeof plain = {
        ...plain,
        async decode(item, request) {
          if (item.id !== "row 5") return plain.decode(item, request);
          asked++;
          throw mediaError(item.path, reason);
        },
      };
      const name = `crowded-${reason}`;
      const notes: string[] = [];
      expect((await run(name, { decoder: crowded })).quarantined).toMatchObject({ [reason]: 1 });
      await run(name, { decoder: crowded, onNote: (note) => notes.push(note) });
      expect([asked, notes]).toEqual([2, ["clips whose ffmpeg was killed or came to no end in time are tried again"]]);
      const together = { isFirst: true, isOwn: () => true, barrier: async () => undefined };
      await prepare({ ...(await optionsOf(name)), decoder: crowded, together });
      expect(asked).toBe(3);
      await run(name);
      expect(await fingerprint(name)).toEqual(undisturbed);
    },
  );

  it("lets one of two runs write, whose set is whole", async () => {
    const both = await Promise.allSettled([run("both"), run("both")]);
    const refused = both.flatMap((one) => (one.status === "rejected" ? [one.reason.reason] : []));
    expect(refused).toEqual(["locked"]);
    expect(await fingerprint("both")).toEqual(undisturbed);
  });
});
