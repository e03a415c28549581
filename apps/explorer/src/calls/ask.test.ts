import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Answer, answerWith, type Call, type Making } from "./answer.js";
import { askWorker } from "./ask.js";

type Sum = { add: (numbers: readonly [number, number], tell: (news: string) => void) => number };

/** A worker as far as the page sees it: what it is sent is kept, and what it says is said by the test. */
const fake = () => {
  const sent: Call[] = [];
  const terminate = vi.fn();
  const worker = { postMessage: (call: Call) => void sent.push(call), terminate } as unknown as Worker;
  return { worker, sent, terminate, says: (data: Answer | Making) => worker.onmessage?.({ data } as MessageEvent) };
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("asks another worker where one does not come back from making a thread", async () => {
  const warned = vi.spyOn(console, "warn").mockReturnValue();
  const made: ReturnType<typeof fake>[] = [];
  const { ask, follow } = askWorker<Sum>(() => {
    made.push(fake());
    return made[made.length - 1].worker;
  });
  const first = ask("add", [1, 2]);
  made[0].says({ id: 0, result: 3 });
  expect(await first).toBe(3);
  const heard: string[] = [];
  const second = follow("add", [3, 4], (news) => heard.push(news));
  made[0].says({ id: 1, news: "begun" });
  made[0].says({ making: true });
  vi.advanceTimersByTime(9_999);
  expect(made).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(made[0].terminate).toHaveBeenCalledTimes(1);
  // What was answered is not asked again.
  expect(made[1].sent).toEqual([{ id: 1, name: "add", input: [3, 4] }]);
  // The next one is given twice as long, and comes back.
  made[1].says({ making: true });
  vi.advanceTimersByTime(19_999);
  made[1].says({ making: false });
  vi.advanceTimersByTime(60_000);
  expect(made).toHaveLength(2);
  made[1].says({ id: 1, news: "begun again" });
  made[1].says({ id: 1, result: 7 });
  expect(await second).toBe(7);
  expect(heard).toEqual(["begun", "begun again"]);
  expect(warned.mock.calls).toEqual([
    ["A worker did not come back from starting a thread in 10 s: it is started anew"],
  ]);
});

it("starts no other worker once it was ended", async () => {
  const { worker, says } = fake();
  const start = vi.fn(() => worker);
  const { ask, end } = askWorker<Sum>(start);
  const asked = ask("add", [1, 2]);
  says({ making: true });
  end();
  await expect(asked).rejects.toThrow("It was stopped");
  vi.advanceTimersByTime(60_000);
  expect(start).toHaveBeenCalledTimes(1);
});

it("hears of every worker that a worker makes, and of one that cannot be made", async () => {
  const said: unknown[] = [];
  class Plain {
    constructor(readonly script: string) {
      said.push(script);
      if (script === "refused") throw new Error("not allowed");
    }
  }
  vi.stubGlobal("Worker", Plain);
  vi.stubGlobal("postMessage", (data: unknown) => void said.push(data));
  answerWith({});
  const threads = globalThis.Worker as unknown as typeof Plain;
  expect(new threads("one")).toBeInstanceOf(Plain);
  expect(() => new threads("refused")).toThrow("not allowed");
  expect(said).toEqual([
    ...[{ making: true }, "one", { making: false }],
    ...[{ making: true }, "refused", { making: false }],
  ]);
});
