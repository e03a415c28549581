import { expectShape, KdcError } from "@kdc-mae/core";
import { type Matrix, matrix } from "./matrix.js";

/** Anything that turns a batch into named embeddings, each `[B, D]` with the batch's clips in order. */
export type Embed<Batch, Name extends string> = (
  batch: Batch,
) => Readonly<Record<Name, Matrix>> | Promise<Readonly<Record<Name, Matrix>>>;

/**
 * Embeds batch after batch and joins the rows: the only thing the heads need of a model.
 *
 * @throws KdcError (`empty`) for no batches; (`shape`) when a batch gives another width
 */
export async function embedAll<Batch, Name extends string>(
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  embed: Embed<Batch, Name>,
): Promise<Readonly<Record<Name, Matrix>>> {
  const parts: Readonly<Record<Name, Matrix>>[] = [];
  for await (const batch of batches) parts.push(await embed(batch));
  if (parts.length === 0) {
    throw new KdcError({
      where: "embedAll",
      what: "there are no batches to embed",
      remedy: "Check that the split has clips and that not all of them were left out",
      reason: "empty",
    });
  }
  const joined = (Object.keys(parts[0]) as Name[]).map((name) => [name, join(name, parts)] as const);
  return Object.fromEntries(joined) as Record<Name, Matrix>;
}

function join<Name extends string>(name: Name, parts: readonly Readonly<Record<Name, Matrix>>[]): Matrix {
  const D = parts[0][name].shape[1];
  for (const part of parts) expectShape("embedAll", name, part[name], "B D", { D });
  const all = matrix(
    parts.reduce((sum, part) => sum + part[name].shape[0], 0),
    D,
  );
  let at = 0;
  for (const part of parts) {
    all.data.set(part[name].data, at);
    at += part[name].data.length;
  }
  return all;
}
