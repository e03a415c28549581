import { parentPort } from "node:worker_threads";
import { type HostTensor, isKdcError } from "@kdc-mae/core";
import type { OnnxGraph } from "../compile/graph.js";
import type { Session } from "../run/session.js";
import { openModel, type SessionOptions } from "./node-session.js";

/** The doors of a graph, of which the model's bytes hold the rest. */
export type Doors = Pick<OnnxGraph, "inputs" | "outputs">;

/** Tensors by the path of their port. */
export type Tensors = ReadonlyMap<string, HostTensor>;

/** What the thread is asked, by number; buffers of tensors are handed over. */
export type Question = { readonly number: number; readonly session: number } & (
  | { readonly open: { readonly model: Uint8Array; readonly doors: Doors; readonly options: SessionOptions } }
  | { readonly run: { readonly inputs: Tensors; readonly outputs: Tensors } }
  | { readonly dispose: true }
);

/** What it answers. Buffers come back, whatever happened; errors cross as their parts, since a class does not. */
export type Answer = {
  readonly number: number;
  readonly back?: { readonly inputs: Tensors; readonly outputs: Tensors };
  readonly wrong?: { readonly what: string; readonly parts?: ErrorParts };
};

type ErrorParts = { readonly [Part in "where" | "what" | "remedy" | "reason"]: string };

/** The buffers of some tensors, to be handed over. */
export const buffersOf = (...tensors: readonly Tensors[]): ArrayBuffer[] =>
  tensors.flatMap((ports) => [...ports.values()].map(({ data }) => data.buffer as ArrayBuffer));

const sessions = new Map<number, Session>();

async function answer(question: Question): Promise<void> {
  const { number, session: id } = question;
  if ("open" in question) {
    const { model, doors, options } = question.open;
    sessions.set(id, await openModel(model, doors, options));
    return;
  }
  const session = sessions.get(id);
  if (session === undefined) throw new Error(`there is no session ${id} (question ${number})`);
  if ("run" in question) {
    await session.run(question.run.inputs, question.run.outputs);
    return;
  }
  sessions.delete(id);
  await session.dispose();
}

const partsOf = (error: unknown): ErrorParts | undefined => {
  if (!isKdcError(error)) return undefined;
  const { where, what, remedy, reason } = error;
  return { where, what, remedy, reason };
};

// The entry of the thread.
parentPort?.on("message", async (question: Question) => {
  const { number } = question;
  const back = "run" in question ? question.run : undefined;
  const buffers = back === undefined ? [] : buffersOf(back.inputs, back.outputs);
  try {
    await answer(question);
    parentPort?.postMessage({ number, back } satisfies Answer, buffers);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ number, back, wrong: { what, parts: partsOf(error) } } satisfies Answer, buffers);
  }
});
