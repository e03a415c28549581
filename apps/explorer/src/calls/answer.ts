import { isKdcError } from "@kdc-mae/core";

/** A call to a worker, and what comes back: news while it works, then the result or what was wrong, in words. */
export type Call = { readonly id: number; readonly name: string; readonly input: unknown };
export type Answer = { readonly id: number } & (
  | { readonly news: unknown }
  | { readonly result: unknown }
  | { readonly error: string }
);
/** That a worker begins to make a worker of its own, or has made it. */
export type Making = { readonly making: boolean };

/** What a worker does, by name. Each takes plain data and may tell news on the way. */
export type Work = Readonly<Record<string, (input: never, tell: (news: unknown) => void) => unknown>>;

/** The scope of a worker, as far as it is used here. */
type Scope = {
  postMessage(message: unknown, transfer: Transferable[]): void;
  Worker?: typeof Worker;
  onmessage: ((event: MessageEvent<Call>) => void) | null;
};

/** One sentence for whatever went wrong. */
export function inWords(error: unknown): string {
  if (isKdcError(error)) return error.message;
  const said = error instanceof Error ? error.message.split("\n")[0] : String(error);
  if (/allocation failed|out of memory|Invalid (typed )?array/i.test(said))
    return `The browser's memory ran out: ${said}`;
  // What browsers say of buffers whose device has gone.
  if (/mapAsync|GPUBuffer|GPUDevice|device (is|was) lost/i.test(said)) {
    return `The graphics device was lost (${said}). What was kept is kept: go on, on WebAssembly or once more on WebGPU`;
  }
  return said === "" ? "Something went wrong, and it did not say what" : said;
}

/**
 * Work whose calls are begun one after another, as they were asked for: what was asked for last is done last, and finds
 * everything as those before it left it.
 */
export function inTurn(work: Work): Work {
  let before: Promise<unknown> = Promise.resolve();
  const turned = Object.entries(work).map(([name, act]) => {
    const wait = (input: never, tell: (news: unknown) => void) => {
      const done = before.then(() => act(input, tell));
      before = done.catch(() => undefined);
      return done;
    };
    return [name, wait] as const;
  });
  return Object.fromEntries(turned);
}

/** Serves calls: what a worker's script ends with. */
export function answerWith(work: Work): void {
  const scope = globalThis as unknown as Scope;
  const reply = (answer: Answer | Making) => scope.postMessage(answer, []);
  if (scope.Worker !== undefined) {
    // Said before, since it may never come back: see `askWorker`.
    scope.Worker = new Proxy(scope.Worker, {
      construct(plain, given) {
        reply({ making: true });
        try {
          return Reflect.construct(plain, given);
        } finally {
          reply({ making: false });
        }
      },
    });
  }
  scope.onmessage = async ({ data: { id, name, input } }) => {
    try {
      const tell = (news: unknown) => reply({ id, news });
      // What is asked for was typed where it was asked; on the way it is plain data.
      const act = work[name] as unknown as (input: unknown, tell: (news: unknown) => void) => unknown;
      reply({ id, result: await act(input, tell) });
    } catch (error) {
      reply({ id, error: inWords(error) });
    }
  };
}
