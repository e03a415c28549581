import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { KdcError } from "@kdc-mae/core";

/** The little of @lancedb/lancedb that is used; the package is a peer that need not be there. */
export type LanceModule = { connect(uri: string): Promise<LanceConnection> };

type Row = Readonly<Record<string, unknown>>;

export type LanceConnection = {
  tableNames(): Promise<string[]>;
  openTable(name: string): Promise<LanceTable>;
  createTable(
    name: string,
    rows: readonly Row[],
    options?: { readonly mode: "create" | "overwrite" },
  ): Promise<LanceTable>;
};

type LanceQuery = {
  where(condition: string): LanceQuery;
  select(columns: readonly string[]): LanceQuery;
  limit(count: number): LanceQuery;
  nearestTo(vector: Float32Array): LanceQuery;
  column(name: string): LanceQuery;
  distanceType(name: "cosine"): LanceQuery;
  bypassVectorIndex(): LanceQuery;
  toArray(): Promise<Row[]>;
};

export type LanceTable = {
  countRows(filter?: string): Promise<number>;
  query(): LanceQuery;
  add(rows: readonly Row[]): Promise<unknown>;
  delete(where: string): Promise<unknown>;
};

const packageName = "@lancedb/lancedb";

/**
 * Imports LanceDB as the trainer finds it, else as these folders do.
 *
 * @throws KdcError (`no-lancedb`) where it is not installed, or cannot be loaded
 */
export async function loadLance(folders: readonly string[]): Promise<LanceModule> {
  const places = [import.meta.url, ...folders.map((folder) => pathToFileURL(join(folder, "package.json")).href)];
  const found = places.map(resolveFrom).find((path) => path !== undefined);
  if (found === undefined) throw missing("it is not installed");
  try {
    const module = await import(pathToFileURL(found).href);
    return module.connect === undefined ? module.default : module;
  } catch (cause) {
    throw missing(
      `it cannot be loaded (${cause instanceof Error ? cause.message.split("\n")[0] : String(cause)})`,
      cause,
    );
  }
}

function resolveFrom(place: string): string | undefined {
  try {
    return createRequire(place).resolve(packageName);
  } catch {
    return undefined;
  }
}

const missing = (what: string, cause?: unknown) =>
  new KdcError({
    where: packageName,
    what,
    remedy: `Install it with npm install ${packageName} apache-arrow@18 (about 200 MB, nothing is built), or leave LanceDB out: a plain index in a folder finds the same`,
    reason: "no-lancedb",
    cause,
  });
