import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Linux's counters of energy (RAPL, in microjoules). */
const POWERCAP = "/sys/class/powercap";

/** Counts what the machine's processors take, all of their work, from when it was opened. */
export type EnergyMeter = { read(): Promise<number> };

const numberIn = async (path: string): Promise<number> => {
  const value = Number(await readFile(path, "utf8"));
  if (!Number.isFinite(value)) throw new Error(path);
  return value;
};

/**
 * Opens the counters of the processor packages, where this machine has them and lets this user read them (most systems
 * let root alone); undefined elsewhere.
 */
export async function openEnergyMeter(root = POWERCAP): Promise<EnergyMeter | undefined> {
  try {
    // `intel-rapl:0` is a package (AMD's too); `intel-rapl:0:0` is part of it.
    const packages = (await readdir(root))
      .filter((name) => /^intel-rapl:\d+$/.test(name))
      .map((name) => join(root, name));
    const zones = await Promise.all(
      packages.map(async (path) => ({
        path: join(path, "energy_uj"),
        last: await numberIn(join(path, "energy_uj")),
        range: await numberIn(join(path, "max_energy_range_uj")),
      })),
    );
    if (zones.length === 0) return undefined;
    let joules = 0;
    return {
      async read() {
        for (const zone of zones) {
          const now = await numberIn(zone.path);
          // A counter that came to its end begins again at 0; read at least once an epoch it does so once at most.
          joules += (now >= zone.last ? now - zone.last : now + zone.range - zone.last) / 1e6;
          zone.last = now;
        }
        return joules;
      },
    };
  } catch {
    return undefined;
  }
}
