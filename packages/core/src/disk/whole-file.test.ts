import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { disk, type FileSystem, makeFolder } from "./file-system.js";
import { sweepTemporaries, temporaryName } from "./temporary.js";
import { beginFile, writeWhole } from "./whole-file.js";

let root = "";
let folder = "";
let path = "";
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-whole-"));
});
beforeEach(async () => {
  folder = join(root, `${count++}`);
  path = join(folder, "file");
  await mkdir(folder);
});
afterAll(() => rm(root, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

describe("writeWhole", () => {
  it.each([
    ["text", "one two"],
    ["bytes", bytes("one two")],
    ["pieces", [bytes("one "), bytes("two")]],
    [
      "pieces that are still coming",
      (async function* () {
        yield bytes("one ");
        await new Promise((resolve) => setTimeout(resolve, 3));
        yield bytes("two");
      })(),
    ],
  ])("replaces what was there by %s", async (_, content) => {
    await writeFile(path, "much longer than what follows");
    await writeWhole(path, content);
    expect(await readFile(path, "utf8")).toBe("one two");
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it("shows a reader the old content until all of the new is there", async () => {
    await writeFile(path, "old");
    const seen: string[] = [];
    const pieces = async function* () {
      for (let at = 0; at < 3; at++) {
        yield bytes(`${at}`);
        seen.push(await readFile(path, "utf8"));
      }
    };
    await writeWhole(path, pieces());
    expect([seen, await readFile(path, "utf8")]).toEqual([["old", "old", "old"], "012"]);
  });

  it("leaves the old file and nothing else when a piece cannot be made or written", async () => {
    await writeFile(path, "kept");
    const failing = function* () {
      yield bytes("half");
      throw new RangeError("no more");
    };
    await expect(writeWhole(path, failing())).rejects.toThrow(RangeError);
    await expect(writeWhole(path, [bytes("half"), 7 as unknown as Uint8Array])).rejects.toThrow();
    expect([await readFile(path, "utf8"), await readdir(folder)]).toEqual(["kept", ["file"]]);
  });

  it.each([
    ["open", "EROFS", "the file system is read-only", "permission"],
    ["write", "ENOSPC", "the disk is full", "disk-full"],
    ["sync", "EDQUOT", "your disk quota is used up", "disk-full"],
    ["close", "EIO", "the disk failed", "disk"],
    ["rename", "EACCES", "permission denied", "permission"],
  ])("says in words that %s failed with %s, and loses nothing", async (step, code, what, reason) => {
    let opened: { close(): Promise<void> } | undefined;
    const fail = async () => {
      if (step === "close") await opened?.close();
      throw Object.assign(new Error(code), { code });
    };
    const failing: FileSystem = {
      ...disk,
      open: async (name) => {
        if (step === "open") await fail();
        const file = await disk.open(name);
        opened = file;
        return { ...file, ...(step === "rename" || step === "open" ? {} : { [step]: fail }) };
      },
      ...(step === "rename" ? { rename: fail } : {}),
    };
    await writeFile(path, "kept");
    const error = await writeWhole(path, "new", failing).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: "KdcError", where: `write ${path}`, what, reason });
    expect([await readFile(path, "utf8"), await readdir(folder)]).toEqual(["kept", ["file"]]);
  });

  it("says in words what a real disk says", async () => {
    await expect(writeWhole(join(folder, "no", "file"), "x")).rejects.toMatchObject({ reason: "missing" });
    await expect(writeWhole(folder, "x")).rejects.toMatchObject({ reason: "unreadable" });
    await expect(writeWhole(join(folder, "n".repeat(300)), "x")).rejects.toMatchObject({ reason: "name" });
    await writeFile(path, "a file");
    await expect(makeFolder(join(path, "below"))).rejects.toMatchObject({ reason: "missing" });
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it.skipIf(process.getuid?.() === 0)("says that a folder may not be written", async () => {
    await chmod(folder, 0o500);
    await expect(writeWhole(path, "x")).rejects.toMatchObject({ reason: "permission" });
    await chmod(folder, 0o700);
  });

  it.skipIf(process.platform === "win32")("writes into a device instead of taking its place", async () => {
    await symlink("/dev/null", path);
    await writeWhole(path, "gone");
    expect([await readFile(path, "utf8"), await readdir(folder)]).toEqual(["", ["file"]]);
  });

  it("lets two write one name at once: one of them stands, whole", async () => {
    const all = Array.from({ length: 12 }, (_, at) => `${at} `.repeat(50_000));
    await Promise.all(all.map((content) => writeWhole(path, content)));
    expect(all).toContain(await readFile(path, "utf8"));
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it("replaces nothing when the check of what was written fails", async () => {
    await writeFile(path, "kept");
    const file = await beginFile(path);
    await file.write(bytes("new"));
    const check = async (written: string) => {
      expect(await readFile(written, "utf8")).toBe("new");
      throw new RangeError("unreadable");
    };
    await expect(file.finish(check)).rejects.toThrow("unreadable");
    await file.discard();
    expect([await readFile(path, "utf8"), await readdir(folder)]).toEqual(["kept", ["file"]]);
  });
});

describe("sweepTemporaries", () => {
  it("takes away what a killed process left, and nothing that lives or is no temporary file", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await once(child, "spawn");
    const of = (pid: number) => temporaryName(path).replace(/\.\d+-/, `.${pid}-`);
    const elsewhere = temporaryName(path).replace(/-[0-9a-f]{6}-/, "-abcdef-");
    for (const name of [of(child.pid!), elsewhere, join(folder, "mine.tmp")]) await writeFile(name, "half");
    const writing = await beginFile(path);
    const left = (await readdir(folder)).sort();
    expect(await sweepTemporaries(folder)).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(left);

    child.kill("SIGKILL");
    await once(child, "exit");
    expect((await sweepTemporaries(folder)).length).toBe(1);
    expect(await readdir(folder)).toHaveLength(left.length - 1);
    const long = new Date((await import("node:fs")).statSync(folder).mtimeMs - 25 * 3600 * 1000);
    await utimes(elsewhere, long, long);
    expect((await sweepTemporaries(folder)).length).toBe(1);
    await writing.write(bytes("whole"));
    await writing.finish();
    expect((await readdir(folder)).sort()).toEqual(["file", "mine.tmp"]);
    // A process that had our number before us, as in a container that was started again.
    await writeFile(temporaryName(path), "half");
    expect((await sweepTemporaries(folder)).length).toBe(1);
  });
});
