import { existsSync } from "node:fs";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import type { ClipStore, IndexAbout } from "./clip-store.js";
import { loadLance } from "./lance-module.js";
import { openLanceStore } from "./lance-store.js";
import { isPlainStore, noIndex, openPlainStore } from "./plain-store.js";

/** Where an index is kept by default. */
export const defaultIndex = "runs/index";

/** How an index is kept. */
export type StoreKind = ClipStore["kind"];

/** True for the address of an object store; a letter alone before the colon is a drive. */
export const isAddress = (where: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(where);

/** What lies at a place, or what an address must be; undefined where there is nothing yet. */
function kindAt(where: string): StoreKind | undefined {
  if (isAddress(where)) return "lancedb";
  if (isPlainStore(where)) return "plain";
  return existsSync(join(where, "about.lance")) ? "lancedb" : undefined;
}

/** @throws KdcError (`no-index`) for a folder without one; what lies at an address is not asked */
export function expectIndex(where: string): void {
  if (kindAt(where) === undefined) throw noIndex(where);
}

/**
 * Opens the index at a place in whatever kind it is kept there; a new one is plain by default.
 *
 * @param options `folders`: where else to look for LanceDB than beside the trainer
 * @throws KdcError as the stores do
 */
export async function openStore(
  where: string,
  options: { readonly kind?: StoreKind; readonly fresh?: IndexAbout; readonly folders?: readonly string[] } = {},
): Promise<ClipStore> {
  const { kind, fresh, folders = [] } = options;
  const there = kindAt(where);
  if (kind !== undefined && there !== undefined && kind !== there) {
    throw new KdcError({
      where: `--store ${kind}`,
      what: isAddress(where) ? `an address is kept in ${there}` : `the index ${where} is kept in ${there} already`,
      remedy: "Leave it out, or give another place with --index",
      reason: "usage",
    });
  }
  return (there ?? kind ?? "plain") === "plain"
    ? openPlainStore(where, fresh)
    : openLanceStore(await loadLance(folders), where, fresh);
}
