import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { type HostTensor, KdcError } from "@kdc-mae/core";
import type { Cut } from "../compile/cut.js";
import type { GraphPort, OnnxGraph } from "../compile/graph.js";
import { onnxModelWithList } from "../compile/onnx-model.js";
import { blank, fitting, type Session, type SessionInTwo, samplesIn } from "../run/session.js";
import { withoutTelemetry } from "./load.js";
import type { SessionOptions } from "./node-session.js";
import { type Answer, buffersOf, type Half, type Model, type Question } from "./thread-messages.js";

/** The thread's program; run from sources it is looked for in the build. Undefined where there is none. */
export const threadFile: string | undefined = ["./session-worker.js", "../../dist/onnxruntime/session-worker.js"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/** A question without its number. */
type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, "number"> : never) : never;
type Waiting = { readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void };
type Thread = {
  readonly ask: (question: Asked, buffers?: readonly ArrayBuffer[]) => Promise<Answer>;
  readonly hasEnded: () => boolean;
};

const died = (cause: unknown): KdcError =>
  new KdcError({
    where: "the thread of ONNX Runtime",
    what: `it came to an end (${cause instanceof Error ? cause.message : String(cause)})`,
    remedy: "Check whether memory ran out, and start again: training goes on from its last checkpoint",
    reason: "worker-died",
    cause,
  });

function startThread(file: string, gone: () => void): Thread {
  const waiting = new Map<number, Waiting>();
  withoutTelemetry();
  const worker = new Worker(file);
  let next = 0;
  let end: KdcError | undefined;
  // A process does not stay for a thread that has nothing to do.
  const rest = () => {
    if (waiting.size === 0) worker.unref();
  };
  const lose = (cause: unknown) => {
    // An error is followed by an exit; another thread may have been started between the two.
    if (end !== undefined) return;
    end = died(cause);
    gone();
    for (const { reject } of waiting.values()) reject(end);
    waiting.clear();
  };
  worker.on("message", (answer: Answer) => {
    const asked = waiting.get(answer.number);
    waiting.delete(answer.number);
    rest();
    if (answer.wrong === undefined) asked?.resolve(answer);
    else asked?.reject(answer.wrong.parts ? new KdcError(answer.wrong.parts) : new Error(answer.wrong.what));
  });
  worker.on("error", lose);
  worker.on("exit", (code) => lose(`code ${code}`));
  rest();
  return {
    hasEnded: () => end !== undefined,
    ask: (question, buffers = []) =>
      new Promise((resolve, reject) => {
        if (end !== undefined) {
          reject(end);
          return;
        }
        const number = next++;
        // What cannot be sent throws here, and is not waited for.
        worker.postMessage({ number, ...question } as Question, buffers);
        waiting.set(number, { resolve, reject });
        worker.ref();
      }),
  };
}

/** One thread for each program; but for tests there is one program. */
const threads = new Map<string, Thread>();
let sessions = 0;

/** An array that has a buffer of its own and can be handed over with it. */
const isWhole = ({ data }: HostTensor): boolean => data.byteLength > 0 && data.byteLength === data.buffer.byteLength;

/** A thread that runs this file, started where there is none. */
function threadOf(file: string | undefined): Thread {
  if (file === undefined) throw new Error("the thread's compiled program is missing: build the package");
  const thread = threads.get(file) ?? startThread(file, () => threads.delete(file));
  threads.set(file, thread);
  return thread;
}

const modelOf = (graph: OnnxGraph): Model => ({
  model: onnxModelWithList(graph),
  doors: { inputs: graph.inputs, outputs: graph.outputs },
});

/** A session's runs on a thread: inputs are copied into arrays that are used again, those of results go there and back. */
function runsOn({ ask }: Thread, session: number) {
  /** Copies of inputs, when they are not with the thread. */
  const copies = new Map<string, HostTensor>();
  const copied = (port: GraphPort, value: HostTensor, samples: number): HostTensor => {
    const kept = copies.get(port.path);
    copies.delete(port.path);
    const copy = kept?.data.length === value.data.length ? kept : blank(port, samples);
    copy.data.set(value.data as Float32Array);
    return { ...copy, shape: value.shape };
  };
  return {
    run:
      (doors: Pick<OnnxGraph, "inputs" | "outputs">, half?: Half): Session["run"] =>
      async (given, wanted) => {
        const samples = samplesIn(doors, given);
        const inputs = new Map<string, HostTensor>();
        for (const port of doors.inputs) {
          inputs.set(port.path, copied(port, fitting("input", port, samples, given.get(port.path)), samples));
        }
        const outputs = new Map<string, HostTensor>();
        for (const port of doors.outputs) {
          const into = wanted.get(port.path);
          // What an earlier run took along and a failure kept has no numbers any more.
          const isGone = into?.data.length === 0;
          const value = isGone ? blank(port, samples) : fitting("output", port, samples, into);
          outputs.set(port.path, isWhole(value) ? value : blank(port, samples));
        }
        const { back } = await ask({ session, run: { half, inputs, outputs } }, buffersOf(inputs, outputs));
        if (back === undefined) throw new Error("a run came back without its arrays");
        for (const [path, copy] of back.inputs) copies.set(path, copy);
        return back.outputs;
      },
    forget: () => copies.clear(),
  };
}

/**
 * Makes a session that computes on a thread of its own, so that the caller's stays free meanwhile: ONNX Runtime's binding
 * computes on whichever thread calls it, and one that computes for a quarter of an hour hears no signal. All sessions
 * share the thread and compute one after another, as they would without it; the same bits come out.
 *
 * Inputs are copied (ONNX Runtime's binding takes no shared memory), into arrays that are used again; results come back
 * in the arrays they were to be written into, handed over and back.
 *
 * @throws KdcError as `createSession` does, and (`worker-died`) where the thread ends
 */
export async function createThreadSession(
  graph: OnnxGraph,
  options: SessionOptions = {},
  file = threadFile,
): Promise<Session> {
  const thread = threadOf(file);
  const session = sessions++;
  await thread.ask({ session, open: { ...modelOf(graph), options } });
  const { run, forget } = runsOn(thread, session);
  return { run: run({ inputs: graph.inputs, outputs: graph.outputs }), dispose: () => end(thread, session, forget) };
}

/** The same of a graph that was cut: what goes from one half to the other never leaves the thread, nor do early inputs. */
export async function createThreadSessionInTwo(
  { first, second, doors, early, late }: Cut,
  options: SessionOptions = {},
  file = threadFile,
): Promise<SessionInTwo> {
  const thread = threadOf(file);
  const session = sessions++;
  await thread.ask({ session, openInTwo: { first: modelOf(first), second: modelOf(second), doors, options } });
  const { run, forget } = runsOn(thread, session);
  const passes = new Set(doors.map(({ path }) => path));
  const results = first.outputs.filter(({ path }) => !passes.has(path));
  return {
    first: run({ inputs: early, outputs: results }, "first"),
    second: run({ inputs: late, outputs: second.outputs }, "second"),
    dispose: () => end(thread, session, forget),
  };
}

async function end(thread: Thread, session: number, forget: () => void): Promise<void> {
  forget();
  if (!thread.hasEnded()) await thread.ask({ session, dispose: true });
}
