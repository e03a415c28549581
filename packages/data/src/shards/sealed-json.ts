import { createHash } from "node:crypto";
import { KdcError } from "@kdc-mae/core";

/** Largest JSON file beside shards that is read, bytes once unpacked: 400,000 samples in one shard. */
export const jsonLimit = 64 * 2 ** 20;

const sumOf = (value: object): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** JSON that says its own checksum, in its last key `sum`: SHA-256 over the rest, written without spaces. */
export const seal = (value: object, indent?: number): string =>
  `${JSON.stringify({ ...value, sum: sumOf(value) }, null, indent)}\n`;

/**
 * The object in a text that {@link seal} wrote, or that says no checksum.
 *
 * @throws KdcError reason `bad-set`: for a web page, for what is no JSON object, for a checksum of something else
 */
export function unseal(text: string, where: string): Readonly<Record<string, unknown>> {
  const remedy = "Run the same kdc-mae prepare again, which mends what is damaged, or fetch it again";
  const refuse = (what: string, cause?: unknown) => new KdcError({ where, what, remedy, reason: "bad-set", cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse(
      /^\s*</.test(text) ? "it is a web page and not JSON" : "it is damaged or cut short: not valid JSON",
      cause,
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("it is not a JSON object");
  const { sum, ...rest } = value as Record<string, unknown>;
  if (sum === undefined) return rest;
  if (sum !== sumOf(rest)) throw refuse("it is damaged: its checksum does not match its content");
  return rest;
}
