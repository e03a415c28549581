import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCheckpoint } from "./files.js";
import { archive, bytes, call, dictionary, named, pickle, tensor, text } from "./torch-archive.test.fixture.js";
import { sharedNumbers } from "./torch-file.js";
import { pickleBudget, Unbuilt, unpickle } from "./unpickle.js";

const unknown = { call: () => undefined, persistent: () => undefined };
const read = (value: Uint8Array) => unpickle(pickle(value), unknown);
const many = (count: number, ...part: (number | string | Uint8Array)[]) => {
  const one = bytes(...part);
  const all = new Uint8Array(count * one.byteLength);
  for (let i = 0; i < count; i++) all.set(one, i * one.byteLength);
  return all;
};
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
/** (x, x) of (x, x) of …: sixty doublings of a tuple, 2^60 values to whoever writes them out. */
const doubled = bytes(")", many(60, "2", 0x86));

describe("a pickle from a stranger", () => {
  it("may double a tuple sixty times as a key, a name or a value: none is ever written out", () => {
    expect(read(bytes("}", doubled, text("v"), "s"))).toEqual(new Map());
    expect(() => read(bytes(doubled, text("system"), 0x93))).toThrow("it names something that is not text");
    expect(read(bytes("}", text("deep"), doubled, "s"))).toBeInstanceOf(Map);
  });

  it("may hold a number of a megabyte: it is stepped over", () => {
    const digits = 2 ** 20;
    expect(read(bytes(0x8b, u32(digits), new Uint8Array(digits).fill(0x7f)))).toEqual(
      new Unbuilt(`a number of ${digits} bytes`),
    );
    expect(read(bytes(0x8a, 2, 0x00, 0x80))).toBe(-32768);
    expect(read(bytes(0x8a, 0))).toBe(0);
  });

  it("may name what it likes: nothing is looked up", () => {
    const made = read(call(named("constructor", "constructor"), bytes(")")));
    expect(made).toEqual(new Unbuilt("constructor.constructor"));
    expect(read(bytes("}", text("__proto__"), text("x"), "s"))).toEqual(new Map([["__proto__", "x"]]));
  });

  it("may not ask for endless steps, lists or dictionaries", () => {
    expect(() => read(many(pickleBudget.steps + 1, "N0"))).toThrow(`more than ${pickleBudget.steps} steps`);
    expect(() => read(many(pickleBudget.containers + 1, "}0"))).toThrow(
      `more than ${pickleBudget.containers} lists and dictionaries`,
    );
  });

  it("may not take from below a mark, recall what was not kept, fill what is no list, or end early", () => {
    const early = ["it takes what is not there", "it ends early"] as const;
    for (const wrong of [bytes("0"), bytes("N(0"), bytes("u"), bytes("h", 3), bytes("(.")]) {
      expect(() => read(wrong)).toThrow(early[0]);
    }
    for (const wrong of [bytes("X", u32(99), "x"), bytes(0x8d, new Uint8Array(8).fill(0xff)), bytes("cposix")]) {
      expect(() => unpickle(wrong, unknown)).toThrow(early[1]);
    }
    expect(() => read(bytes("N(Ne"))).toThrow("it fills what is neither list nor dictionary");
    expect(() => read(bytes("I1\n"))).toThrow("it holds the unknown opcode 73");
  });
});

describe("a PyTorch archive from a stranger", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-mae-unpickle-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const path = () => join(folder, "model.pth");
  const megabytes = 1;
  const numbers = megabytes * 2 ** 18;

  it("may not ask for 2,000 copies of one storage", async () => {
    const views = Array.from({ length: 2000 }, (_, i) => [
      `w${i}`,
      tensor("FloatStorage", "0", numbers, i, [numbers - i], [1]),
    ]);
    await archive(path(), {
      "m/data.pkl": pickle(dictionary(Object.fromEntries(views))),
      "m/data/0": new Uint8Array(4 * numbers),
    });
    const before = process.memoryUsage().arrayBuffers;
    await expect(readCheckpoint(path())).rejects.toThrow(
      `but only ${numbers} are stored, so ${sharedNumbers.times * numbers + sharedNumbers.more} at most are read`,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64e6);
  });

  it("may hold a dictionary that holds itself", async () => {
    const itself = bytes("}", "q", 0, text("model"), "h", 0, "s");
    await archive(path(), { "m/data.pkl": pickle(itself) });
    await expect(readCheckpoint(path())).rejects.toThrow("it holds no tensors; its keys are model");
  });
});
