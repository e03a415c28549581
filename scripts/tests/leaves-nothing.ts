import { afterAll, expect } from "vitest";

/** Set by sharp, and by our engine for ONNX Runtime, for good: what is loaded once is set once. */
const setWhenLoaded = ["VIPSHOME", "ORT_DISABLE_TELEMETRY"];

/** What files that share a process could change for one another, by name. */
const surroundings = (): ReadonlyMap<string, unknown> =>
  new Map<string, unknown>([
    ...Object.entries(process.env),
    ...Object.entries({ WebAssembly, fetch, Date, setTimeout, setInterval }),
    ...Object.entries({ "console.log": console.log, "process.stdout.write": process.stdout.write }),
    ["the folder", process.cwd()],
    ["the exit code", process.exitCode],
  ]);
const before = surroundings();
/** tfjs's, where it is loaded; null where none was chosen. */
const backend = () => (globalThis as { _tfengine?: { readonly backendName?: string | null } })._tfengine?.backendName;

// The first of all, so that it comes after a file's own.
afterAll(() => {
  const after = surroundings();
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name) && !setWhenLoaded.includes(name),
  );
  expect(changed, "left changed: put it back, or give this file a process of its own in vitest.config.ts").toEqual([]);
  expect(["cpu", null, undefined], "tfjs's backend is left as another").toContain(backend());
});
