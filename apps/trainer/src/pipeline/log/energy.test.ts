import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEnergyMeter } from "./energy.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-energy-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("energy", () => {
  it("is the packages' own, past the end of a counter too, and absent where there is none", async () => {
    const path = join(root, "powercap");
    const zones = ["intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"];
    const set = (zone: string, uj: number) => writeFile(join(path, zone, "energy_uj"), `${uj}\n`);
    for (const zone of zones) {
      await mkdir(join(path, zone), { recursive: true });
      await writeFile(join(path, zone, "max_energy_range_uj"), "10000000\n");
      await set(zone, 9_000_000);
    }
    const meter = await openEnergyMeter(path);
    await set("intel-rapl:0", 9_500_000);
    expect(await meter?.read()).toBeCloseTo(0.5, 9);
    await set("intel-rapl:1", 1_000_000);
    await set("intel-rapl:0:0", 9_900_000);
    expect(await meter?.read()).toBeCloseTo(2.5, 9);
    expect(await openEnergyMeter(join(root, "nowhere"))).toBeUndefined();
    expect(await readFile(join(path, "intel-rapl:0", "energy_uj"), "utf8")).toBe("9500000\n");
  });
});
