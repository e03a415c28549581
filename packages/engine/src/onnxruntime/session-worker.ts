import { parentPort } from "node:worker_threads";
import { errorParts, isKdcError } from "@kdc-mae/core";
import { openHalves, type Session } from "../run/session.js";
import { openModel, type SessionOptions } from "./node-session.js";
import { type Answer, buffersOf, type Half, type Model, type Question, type Tensors } from "./thread-messages.js";

/** What computes a question's run. */
type Opened = { readonly run: (half: Half | undefined) => Session["run"]; readonly dispose: Session["dispose"] };

const sessions = new Map<number, Opened>();
/** Inputs of first halves, until the second has run. */
const lent = new Map<number, Tensors>();

const open = ({ model, doors }: Model, options: SessionOptions): Promise<Session> => openModel(model, doors, options);

async function answer(question: Question): Promise<void> {
  const { number, session: id } = question;
  if ("open" in question) {
    const session = await open(question.open, question.open.options);
    sessions.set(id, { run: () => session.run, dispose: session.dispose });
    return;
  }
  if ("openInTwo" in question) {
    const { options } = question.openInTwo;
    const halves = await openHalves(question.openInTwo, (half) => open(half, options));
    sessions.set(id, { run: (half) => halves[half as Half], dispose: halves.dispose });
    return;
  }
  const session = sessions.get(id);
  if (session === undefined) throw new Error(`there is no session ${id} (question ${number})`);
  if ("run" in question) {
    await session.run(question.run.half)(question.run.inputs, question.run.outputs);
    return;
  }
  sessions.delete(id);
  lent.delete(id);
  await session.dispose();
}

/** What goes back: all that came, but for the inputs of a first half that the second will need. */
function backOf(question: Question, isDone: boolean): Answer["back"] {
  if (!("run" in question)) return undefined;
  const { session: id, run } = question;
  const { half, inputs, outputs } = run;
  if (half === "first" && isDone) {
    lent.set(id, inputs);
    return { inputs: new Map(), outputs };
  }
  const early = half === "second" ? (lent.get(id) ?? []) : [];
  lent.delete(id);
  return { inputs: new Map([...early, ...inputs]), outputs };
}

const partsOf = (error: unknown) => (isKdcError(error) ? errorParts(error) : undefined);

// The entry of the thread.
parentPort?.on("message", async (question: Question) => {
  const { number } = question;
  const wrong = await answer(question).then(
    () => undefined,
    (error: unknown) => ({ what: error instanceof Error ? error.message : String(error), parts: partsOf(error) }),
  );
  const back = backOf(question, wrong === undefined);
  const buffers = back === undefined ? [] : buffersOf(back.inputs, back.outputs);
  parentPort?.postMessage({ number, back, wrong } satisfies Answer, buffers);
});
