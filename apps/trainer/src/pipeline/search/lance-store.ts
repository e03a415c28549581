import { KdcError, type Stream } from "@kdc-mae/core";
import { streamNames } from "../embed/stream-names.js";
import type { ClipStore, ClipVectors, IndexAbout, IndexedClip } from "./clip-store.js";
import type { LanceModule, LanceTable } from "./lance-module.js";
import { noIndex } from "./plain-store.js";

const [clipsTable, aboutTable] = ["clips", "about"];
const plainColumns = ["file", "size", "modified", "start", "end", "streams", "last"] as const;

/** The condition that a row has a stream. */
const having = (stream: Stream) => `streams LIKE '%${stream}%'`;

/** A text inside an SQL condition. */
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

const clipOf = (row: Readonly<Record<string, unknown>>): IndexedClip => ({
  file: String(row.file),
  size: Number(row.size),
  modified: Number(row.modified),
  start: Number(row.start),
  end: Number(row.end),
  streams: streamNames.filter((stream) => String(row.streams).includes(stream)),
  last: Boolean(row.last),
});

/** A row of the table: zeros stand for a vector that is not there, and are not asked. */
const rowOf = (clip: ClipVectors, width: number) => {
  const { file, size, modified, start, end, last } = clip;
  const vectors = streamNames.map((stream) => [stream, clip[stream] ?? new Float32Array(width)] as const);
  const streams = streamNames.filter((stream) => clip[stream]).join(" ");
  return { file, size, modified, start, end, streams, last, ...Object.fromEntries(vectors) };
};

/**
 * Opens an index in LanceDB, or begins one: table `clips` with a row per window of a file, and `about` with one row.
 *
 * @param uri a folder, or the address of an object store (`s3://…`, `gs://…`, `az://…`); LanceDB takes keys from the
 *   environment
 * @param fresh what to begin with where there is none
 * @throws KdcError (`no-index`) where there is none and none is to be begun; (`lancedb`) when the store cannot be opened
 */
export async function openLanceStore(lance: LanceModule, uri: string, fresh?: IndexAbout): Promise<ClipStore> {
  const connection = await attempt(uri, () => lance.connect(uri));
  const names = await attempt(uri, () => connection.tableNames());
  if (!names.includes(aboutTable)) {
    if (fresh === undefined) throw noIndex(uri);
    await attempt(uri, () => connection.createTable(aboutTable, [{ about: JSON.stringify(fresh) }]));
  }
  const [row] = await (await connection.openTable(aboutTable)).query().select(["about"]).limit(1).toArray();
  const about = JSON.parse(String(row.about)) as IndexAbout;
  if (about.format !== 2) {
    throw new KdcError({
      where: `index ${uri}`,
      what: "it was made by an earlier version, which looked at the first ten seconds of a film",
      remedy: "Delete it, and run kdc-mae index again",
      reason: "bad-index",
    });
  }
  let table: LanceTable | undefined = names.includes(clipsTable) ? await connection.openTable(clipsTable) : undefined;

  return {
    kind: "lancedb",
    about,
    count: async (stream) => table?.countRows(stream && having(stream)) ?? 0,
    async *clips() {
      if (table === undefined) return;
      for (const row of await table.query().select(plainColumns).toArray()) yield clipOf(row);
    },
    async change(added, removed) {
      if (table !== undefined && removed.length > 0) await table.delete(`file IN (${removed.map(quoted).join(", ")})`);
      if (added.length === 0) return;
      const rows = added.map((clip) => rowOf(clip, about.width));
      if (table === undefined) table = await attempt(uri, () => connection.createTable(clipsTable, rows));
      else await table.add(rows);
    },
    async nearest(stream, query, count) {
      if (table === undefined) return [];
      const scan = table
        .query()
        .where(having(stream))
        .nearestTo(query)
        .column(stream)
        .distanceType("cosine")
        .bypassVectorIndex();
      const rows = await scan
        .select([...plainColumns, "_distance"])
        .limit(count)
        .toArray();
      return rows.map((found) => ({ clip: clipOf(found), cosine: 1 - Number(found._distance) }));
    },
    close: async () => undefined,
  };
}

async function attempt<T>(uri: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new KdcError({
      where: `index ${uri}`,
      what: `LanceDB cannot open it (${cause instanceof Error ? cause.message.split("\n")[0] : String(cause)})`,
      remedy: "Check the address, and the keys and region that the environment gives for it",
      reason: "lancedb",
      cause,
    });
  }
}
