import { expect, it } from "vitest";
import { startFfmpeg } from "../film/running-ffmpeg.js";
import { runProcess } from "./run-process.js";

it.skipIf(process.platform === "win32")(
  "time in which this process was stopped counts against no program",
  async () => {
    const timeoutMs = 1500;
    const said = runProcess("/bin/echo", ["a"], { limits: [99], timeoutMs });
    const running = startFfmpeg("/bin/echo", ["b"], { path: "a film", outputs: 1, timeoutMs });
    const next = running.next();
    // As after Ctrl-Z and fg: the clock went on, and both programs ended meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * timeoutMs);
    const { outputs, killed } = await said;
    expect([outputs.map(String), killed]).toEqual([["a\n"], undefined]);
    expect(String((await next)?.bytes)).toBe("b\n");
    expect(await running.next()).toEqual({ output: 0, bytes: undefined });
    expect(await running.end()).toMatchObject({ exitCode: 0 });
  },
);

it.skipIf(process.platform === "win32")("a program that does not end is stopped in time", async () => {
  expect(await runProcess("/bin/sleep", ["60"], { limits: [9], timeoutMs: 50 })).toMatchObject({ killed: "timeout" });
});
