import type { Answer, Making, Work } from "./answer.js";

/** A worker's work as it is asked for from the page. */
export type Asked<W extends Work> = {
  readonly ask: <Name extends keyof W & string>(
    name: Name,
    ...given: Parameters<W[Name]> extends [infer Input, ...unknown[]] ? [input: Input] : []
  ) => Promise<Awaited<ReturnType<W[Name]>>>;
  /** The same, told what happens on the way. */
  readonly follow: <Name extends keyof W & string>(
    name: Name,
    input: Parameters<W[Name]>[0],
    onNews: (news: Parameters<Parameters<W[Name]>[1]>[0]) => void,
  ) => Promise<Awaited<ReturnType<W[Name]>>>;
  readonly end: () => void;
};

type Waiting = {
  readonly name: string;
  readonly input: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onNews?: (news: unknown) => void;
};

/** How long the making of a worker may take, which takes milliseconds, ms. */
const usualPatience = 10_000;

/**
 * Starts a worker at the first question; one that fails to load says so to whoever waits.
 *
 * A Firefox whose tools or driver listen to workers may never come back from making one inside another: the thread that
 * makes it and the one that is made wait on one condition, of which one waiter is woken (`SetIsDebuggerRegistered` in its
 * WorkerPrivate.h). Such a worker is replaced, and what was asked of it is asked again.
 */
export function askWorker<W extends Work>(start: () => Worker): Asked<W> {
  let worker: Worker | undefined;
  let next = 0;
  let patience = usualPatience;
  let late: ReturnType<typeof setTimeout> | undefined;
  const waiting = new Map<number, Waiting>();
  const letGo = () => {
    clearTimeout(late);
    worker?.terminate();
    worker = undefined;
  };
  const startAnew = () => {
    console.warn(`A worker did not come back from starting a thread in ${patience / 1000} s: it is started anew`);
    // A machine that is only slow gets there in the end.
    patience *= 2;
    letGo();
    for (const [id, { name, input }] of waiting) begun().postMessage({ id, name, input });
  };
  const begun = (): Worker => {
    if (worker !== undefined) return worker;
    worker = start();
    worker.onmessage = ({ data }: MessageEvent<Answer | Making>) => {
      if ("making" in data) {
        clearTimeout(late);
        if (data.making) late = setTimeout(startAnew, patience);
        return;
      }
      const who = waiting.get(data.id);
      if ("news" in data) return who?.onNews?.(data.news);
      waiting.delete(data.id);
      if ("error" in data) who?.reject(new Error(data.error));
      else who?.resolve(data.result);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      clearTimeout(late);
      for (const { reject } of waiting.values()) {
        reject(new Error(`A part of the page could not be started: ${event.message || "its script did not load"}`));
      }
      waiting.clear();
      worker = undefined;
    };
    return worker;
  };
  const send = (name: string, input: unknown, onNews?: Waiting["onNews"]): Promise<never> =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { name, input, resolve: resolve as Waiting["resolve"], reject, onNews });
      begun().postMessage({ id, name, input });
    });
  return {
    ask: (name, ...[input]) => send(name, input),
    follow: (name, input, onNews) => send(name, input, onNews as Waiting["onNews"]),
    end: () => {
      letGo();
      for (const { reject } of waiting.values()) reject(new Error("It was stopped"));
      waiting.clear();
    },
  };
}
