import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { lockFile, lockFolder, withLock } from "./lock.js";

let root = "";
let folder = "";
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-lock-"));
});
beforeEach(() => {
  folder = join(root, `deeper/${count++}`);
});
afterAll(() => rm(root, { recursive: true }));

/** A lock as the process would have written it. */
const ownerOf = async (): Promise<Record<string, unknown>> => {
  const release = await lockFolder(folder);
  const owner = JSON.parse(await readFile(lockFile(folder), "utf8"));
  await release();
  return owner;
};
const leave = (owner: Record<string, unknown>) => writeFile(lockFile(folder), JSON.stringify(owner));
const deadPid = async (): Promise<number> => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid!;
};

/** How many of 24 that try at once get the lock. */
const winners = async () => {
  const tries = await Promise.allSettled(Array.from({ length: 24 }, () => lockFolder(folder)));
  const won = tries.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const reasons = tries.flatMap((one) => (one.status === "rejected" ? [one.reason.reason] : []));
  return { won, reasons };
};

describe("lockFolder", () => {
  it("lets one of many in, says who it is to the others, and leaves nothing behind", async () => {
    const { won, reasons } = await winners();
    expect([won.length, new Set(reasons)]).toEqual([1, new Set(["locked"])]);
    await expect(lockFolder(folder)).rejects.toThrow(`another run is writing in it (process ${process.pid} on `);
    await won[0]();
    expect(await readdir(folder)).toEqual([]);
    expect(await withLock(folder, async () => 7)).toBe(7);
    await expect(withLock(folder, () => Promise.reject(new RangeError("work")))).rejects.toThrow("work");
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")("takes over from a process that has ended and nobody waits for", async () => {
    const owner = await ownerOf();
    // The shell becomes another program, which knows nothing of the child that it had.
    const parent = spawn("sh", ["-c", "sleep 0.5 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      const [text] = await once(parent.stdout!, "data");
      const pid = Number(String(text));
      await vi.waitUntil(() => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")), { timeout: 30_000 });
      await leave({ ...owner, pid, began: undefined, token: "ended" });
      await (await lockFolder(folder))();
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("takes over from a process that is gone: one of many, again and again", async () => {
    const owner = await ownerOf();
    const pid = await deadPid();
    for (let round = 0; round < 20; round++) {
      await leave({ ...owner, pid, token: `dead ${round}` });
      const { won, reasons } = await winners();
      expect([won.length, new Set(reasons)]).toEqual([1, new Set(["locked"])]);
      await won[0]();
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")("knows another process by its beginning, not by its number", async () => {
    const owner = await ownerOf();
    await leave({ ...owner, token: "other" });
    await expect(lockFolder(folder)).rejects.toMatchObject({ reason: "locked" });
    await leave({ ...owner, token: "other", began: "1" });
    await (await lockFolder(folder))();
  });

  it.each([
    ["of another machine", async () => ({ ...(await ownerOf()), pid: 1, mark: "abcdef", host: "elsewhere" })],
    [
      "that cannot be read",
      async () => {
        await ownerOf();
        return {};
      },
    ],
  ])("leaves a lock %s alone until it was silent for five minutes", async (_, make) => {
    await leave(await make());
    await expect(lockFolder(folder)).rejects.toMatchObject({ reason: "locked" });
    const ago = async (minutes: number) => {
      const then = new Date(Date.now() - 60_000 * minutes);
      await utimes(lockFile(folder), then, then);
    };
    await ago(4);
    await expect(lockFolder(folder)).rejects.toMatchObject({ reason: "locked" });
    await ago(6);
    await (await lockFolder(folder))();
  });

  it("does not take another's lock away when it lets go", async () => {
    const release = await lockFolder(folder);
    const other = { ...JSON.parse(await readFile(lockFile(folder), "utf8")), token: "another" };
    await leave(other);
    await release();
    expect(JSON.parse(await readFile(lockFile(folder), "utf8"))).toEqual(other);
  });

  it("says in words what the disk says", async () => {
    await writeFile(join(root, "a file"), "");
    await expect(lockFolder(join(root, "a file"))).rejects.toMatchObject({ name: "KdcError" });
  });
});
