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
  const known = await tested?.wrong?.(key);
  if (known !== undefined) return known;
  const why = await check().then(
    (checked) => {
      const wrong = wrongFamilies("mixed", checked);
      return wrong.length === 0 ? undefined : `its own compute wrongly: ${familiesInWords(wrong)}`;
    },
    (error: unknown) => {
      if (isKdcError(error) && error.reason === "shader") return `kernels for its own do not compile: ${error.what}`;
      throw error;
    },
  );
  await (why === undefined ? tested?.add(key) : tested?.addWrong?.(key, why));
  return why;
}
