import { KdcError } from "@kdc-mae/core";

/** The four downstream jobs. */
export type Task = "classification" | "retrieval" | "inpainting" | "localization";

/**
 * Everything a reader must know to believe a figure or to repeat it. Plain data: written into every result record and
 * printed in full beside it.
 */
export type Protocol = {
  readonly name: string;
  readonly task: Task;
  /** Which frames of a clip are used, and what is hidden. */
  readonly frames: string;
  /** Which passes of the model, and what was trained for the task. */
  readonly mode: string;
  /** How tokens become one vector, or one map. */
  readonly pooling: string;
  /** What is searched or scored against. */
  readonly gallery: string;
  /** Each figure's name with its definition. */
  readonly metrics: Readonly<Record<string, string>>;
  /** What would surprise a reader. */
  readonly notes: readonly string[];
};

/**
 * A protocol with some of its lines changed; metrics and notes are added to, the other lines replaced.
 *
 * @example
 * ```ts
 * import { findProtocol, protocols, varyProtocol } from "@kdc-mae/eval";
 *
 * const mine = varyProtocol(findProtocol(protocols, "retrieval-middle-frame"), {
 *   name: "retrieval-mine",
 *   notes: ["clips of under 2 s are left out"],
 * });
 * ```
 */
export function varyProtocol(base: Protocol, changes: Partial<Protocol> & { readonly name: string }): Protocol {
  return {
    ...base,
    ...changes,
    metrics: { ...base.metrics, ...changes.metrics },
    notes: [...base.notes, ...(changes.notes ?? [])],
  };
}

/** The protocol as lines of plain text, complete. */
export function printProtocol(protocol: Protocol): string {
  const lines: readonly (readonly [string, string])[] = [
    ["protocol", protocol.name],
    ["task", protocol.task],
    ["frames", protocol.frames],
    ["mode", protocol.mode],
    ["pooling", protocol.pooling],
    ["gallery", protocol.gallery],
    ...Object.entries(protocol.metrics).map(([name, definition]) => [`metric ${name}`, definition] as const),
    ...protocol.notes.map((note) => ["note", note] as const),
  ];
  return lines.map(([name, text]) => `${name}: ${text}`).join("\n");
}

/**
 * Finds a protocol by name in a list.
 *
 * @throws KdcError (`unknown-protocol`) with the names there are
 *
 * @example
 * ```ts
 * import { findProtocol, printProtocol, protocols } from "@kdc-mae/eval";
 *
 * console.log(printProtocol(findProtocol(protocols, "retrieval-middle-frame")));
 * ```
 */
export function findProtocol(list: readonly Protocol[], name: string): Protocol {
  const found = list.find((protocol) => protocol.name === name);
  if (found !== undefined) return found;
  throw new KdcError({
    where: "findProtocol",
    what: `there is no protocol named ${JSON.stringify(name)}`,
    remedy: `Use one of ${list.map((protocol) => protocol.name).join(", ")}`,
    reason: "unknown-protocol",
  });
}
