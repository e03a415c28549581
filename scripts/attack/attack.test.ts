import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";

const built = existsSync(new URL("../../apps/trainer/dist/main.js", import.meta.url));
if (!built) process.stderr.write("skipped: a short attack. The program is not built; pnpm run build builds it\n");

type Report = {
  readonly held: boolean;
  readonly failed: readonly string[];
  readonly kills: { readonly kills: number; readonly runs: number; readonly equal: number };
  readonly pairs: readonly unknown[];
  readonly files: readonly unknown[];
  readonly mutations: readonly { readonly rounds: number }[];
  readonly disks: { readonly skipped?: string; readonly results?: readonly unknown[] };
};

describe.skipIf(!built)("a short attack", () => {
  it("is held: kills, pairs, disks, crafted files and mutations", { timeout: 1_500_000 }, async () => {
    const program: string = "../attack.mjs";
    const { attack } = await import(program);
    const report: Report = await attack({ kills: 6, pairs: 1, mutations: 300, seed: 5, beside: 2 });
    if (report.disks.skipped) process.stderr.write(`skipped: the disks of the attack. ${report.disks.skipped}\n`);
    expect([report.held, report.failed]).toEqual([true, []]);
    expect(report.kills.kills).toBeGreaterThanOrEqual(6);
    expect(report.pairs).toHaveLength(4);
    expect(report.files.length).toBeGreaterThan(30);
    expect(report.mutations.reduce((sum, { rounds }) => sum + rounds, 0)).toBeGreaterThan(290);
  });
});
