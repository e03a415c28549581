import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { WebGpuOptions } from "@kdc-mae/engine";

/** Where it is written down which adapters compute right. */
const listFile = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kdc-mae", "adapters.json");

const read = async (): Promise<readonly string[]> => {
  try {
    const list: unknown = JSON.parse(await readFile(listFile(), "utf8"));
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
};

/** Adapters that passed the self-test, by key. A list that cannot be read or written only costs a test more. */
export const testedAdapters = (): NonNullable<WebGpuOptions["tested"]> => ({
  has: async (key) => (await read()).includes(key),
  add: async (key) => {
    try {
      await mkdir(dirname(listFile()), { recursive: true });
      await writeFile(listFile(), JSON.stringify([...(await read()), key], null, 2));
    } catch {
      // Tested again next time.
    }
  },
});
