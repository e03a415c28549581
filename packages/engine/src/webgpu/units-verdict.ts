import { isKdcError } from "@kdc-mae/core";
import { type FamilyCheck, familiesInWords, wrongFamilies } from "./self-test.js";
import type { TestedAdapters } from "./tested.js";

/**
 * Why an adapter's matrix units are not to be used; undefined where they compute right. What was found before counts, either
 * way; otherwise they are tested now, and what comes of it is noted.
 *
 * @param key names adapter, driver, units and kernels
 * @param check runs every family of kernels with them
 */
export async function whyNotUnits(
  key: string,
  tested: TestedAdapters | undefined,
  check: () => Promise<readonly FamilyCheck[]>,
): Promise<string | undefined> {
  if (await tested?.has(key)) return undefined;
  let why = await tested?.wrong?.(key);
  if (why) return why;
  try {
    const wrong = wrongFamilies("mixed", await check());
    if (wrong.length) why = `its own compute wrongly: ${familiesInWords(wrong)}`;
  } catch (error) {
    if (!isKdcError(error) || error.reason !== "shader") throw error;
    why = `kernels for its own do not compile: ${error.what}`;
  }
  await (why ? tested?.addWrong?.(key, why) : tested?.add(key));
  return why;
}
