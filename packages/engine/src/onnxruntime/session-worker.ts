import { parentPort } from "node:worker_threads";
import { isKdcError } from "@kdc-mae/core";
import type { Session } from "../run/session.js";
import { openModel } from "./node-session.js";
import { type Answer, buffersOf, type ErrorParts, type Question } from "./thread-messages.js";

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
