import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { showProgress } from "./progress.js";

let written: string[];
beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const steps = (total: number) => ({ stage: "pretrain", unit: "steps", total });

test("a second run of the same stage has a total, a rate and a time of its own", () => {
  const shown = showProgress();
  for (let done = 0; done <= 640; done += 20) {
    shown.onProgress({ ...steps(640), done });
    vi.advanceTimersByTime(1_000);
  }
  shown.onProgress({ ...steps(1280), done: 0 });
  vi.advanceTimersByTime(11_000);
  shown.onProgress({ ...steps(1280), done: 110 });
  shown.stop();
  expect(written.at(-1)).toBe("pretrain: 110/1280 steps, 10.0/s, 1 min 57 s left\n");
  expect(written.some((line) => line.startsWith("pretrain: 640/640 steps, 19.4/s, took 33 s"))).toBe(true);
});

test("two runs of the same length are told apart too", () => {
  const shown = showProgress();
  shown.onProgress({ ...steps(10), done: 0 });
  vi.advanceTimersByTime(60_000);
  shown.onProgress({ ...steps(10), done: 10 });
  shown.onProgress({ ...steps(10), done: 1 });
  vi.advanceTimersByTime(10_000);
  shown.onProgress({ ...steps(10), done: 6 });
  shown.stop();
  expect(written.at(-1)).toBe("pretrain: 6/10 steps, 0.5/s, 8 s left\n");
});

test("what a run had done before it was resumed does not count into its rate", () => {
  const shown = showProgress();
  shown.onProgress({ ...steps(1000), done: 500 });
  vi.advanceTimersByTime(20_000);
  shown.onProgress({ ...steps(1000), done: 540 });
  shown.stop();
  expect(written).toEqual(["pretrain: 540/1000 steps, 2.0/s, 3 min 50 s left\n"]);
});
