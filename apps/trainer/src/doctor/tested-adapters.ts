import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { WebGpuOptions } from "@kdc-mae/engine";
import { z } from "zod";

/** Where it is written down which adapters compute right, and whose matrix units do not. */
const listFile = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kdc-mae", "adapters.json");

/** Of one adapter: its key where it is right, and else why its matrix units are not. */
const entry = z.union([z.string(), z.object({ key: z.string(), wrong: z.string() })]);
type Entry = z.infer<typeof entry>;
const keyOf = (one: Entry): string => (typeof one === "string" ? one : one.key);

const read = async (): Promise<readonly Entry[]> => {
  try {
    const list: unknown = JSON.parse(await readFile(listFile(), "utf8"));
    return Array.isArray(list) ? list.flatMap((one) => entry.safeParse(one).data ?? []) : [];
  } catch {
    return [];
  }
};

/** Puts what was found in the place of what is known of that adapter. */
const note = async (found: Entry): Promise<void> => {
  try {
    const others = (await read()).filter((one) => keyOf(one) !== keyOf(found));
    await mkdir(dirname(listFile()), { recursive: true });
    await writeFile(listFile(), JSON.stringify([...others, found], null, 2));
  } catch {
    // Tested again next time.
  }
};

/**
 * What self-tests found of adapters, by key. A list that cannot be read or written only costs a test more.
 *
 * @param again whether nothing of it counts: what is tested then is noted anew
 */
export const testedAdapters = ({ again = false } = {}): NonNullable<WebGpuOptions["tested"]> => {
  const known = async (key: string) => (again ? undefined : (await read()).find((one) => keyOf(one) === key));
  return {
    has: async (key) => typeof (await known(key)) === "string",
    add: note,
    wrong: async (key) => {
      const found = await known(key);
      return typeof found === "object" ? found.wrong : undefined;
    },
    addWrong: (key, wrong) => note({ key, wrong }),
  };
};
