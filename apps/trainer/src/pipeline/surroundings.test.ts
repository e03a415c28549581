import { expect, it } from "vitest";
import { notesOnce } from "./surroundings.js";

it("what two openings of the same data would say is told once", () => {
  const told: string[] = [];
  const { onNote, env } = notesOnce({ env: { A: "1" }, onNote: (note) => told.push(note) });
  for (const note of ["passed over: .txt 1 (a.txt)", "probes: 2 of 2", "passed over: .txt 1 (a.txt)"]) onNote?.(note);
  expect([told, env]).toEqual([["passed over: .txt 1 (a.txt)", "probes: 2 of 2"], { A: "1" }]);
});
