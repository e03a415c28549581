import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join, posix } from "node:path";

/** What this process may use of the machine. */
export type MachineLimits = {
  /** Processors' worth of time, 0.5 for half of one; undefined where nothing but the machine limits it. */
  readonly quota?: number;
  /** Bytes; undefined where nothing but the machine limits it. */
  readonly memory?: number;
};

/** Reads a file of the system; undefined where there is none. */
type Read = (path: string) => string | undefined;

const readSystem: Read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/**
 * Folders of a controller from this process's own group up to the mount, as far as they can be seen. In a container the
 * path may be one of the host's; its mount says which part of it is there.
 */
function groupsOf(controller: string, read: Read): { readonly version: 1 | 2; readonly folders: readonly string[] }[] {
  const own = (read("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ controllers: controllers.split(","), path }];
  });
  return (read("/proc/self/mountinfo") ?? "").split("\n").flatMap((line) => {
    const found = /^\S+ \S+ \S+ (\S+) (\S+) .*? - (cgroup2?) \S+ (\S+)/.exec(line);
    if (!found) return [];
    const [, root, mount, kind, options] = found;
    const version = kind === "cgroup2" ? 2 : 1;
    if (version === 1 && !options.split(",").includes(controller)) return [];
    const group = own.find(({ controllers }) =>
      version === 2 ? controllers[0] === "" : controllers.includes(controller),
    );
    if (group === undefined) return [];
    const below =
      root === "/" || group.path === root || group.path.startsWith(`${root}/`)
        ? group.path.slice(root === "/" ? 0 : root.length)
        : "/";
    const folders: string[] = [];
    for (let at = posix.normalize(`/${below}`); ; at = posix.dirname(at)) {
      folders.push(join(mount, at));
      if (at === "/") break;
    }
    return [{ version, folders } as const];
  });
}

const numberIn = (text: string | undefined): number => Number.parseInt(text?.trim() ?? "", 10);

/**
 * The limits of this process's control groups (Linux, version 1 and 2), the narrowest of its own and those above it:
 * `cpu.max`, `cpu.cfs_quota_us`, `memory.max`, `memory.limit_in_bytes`.
 *
 * @param read another system's files, in tests
 */
export function machineLimits(read: Read = readSystem): MachineLimits {
  const quotas = groupsOf("cpu", read).flatMap(({ version, folders }) =>
    folders.map((folder) => {
      if (version === 2) {
        const [most, period] = (read(join(folder, "cpu.max")) ?? "").trim().split(/\s+/).map(Number);
        return most / period;
      }
      return numberIn(read(join(folder, "cpu.cfs_quota_us"))) / numberIn(read(join(folder, "cpu.cfs_period_us")));
    }),
  );
  const memories = groupsOf("memory", read).flatMap(({ version, folders }) =>
    folders.map((folder) => numberIn(read(join(folder, version === 2 ? "memory.max" : "memory.limit_in_bytes")))),
  );
  // Version 1 says "no limit" by a number near 2⁶³, and by a quota of −1.
  const real = (values: readonly number[], most: number) => values.filter((value) => value > 0 && value < most);
  const [quota, memory] = [real(quotas, 1e6), real(memories, 2 ** 60)];
  return {
    ...(quota.length === 0 ? {} : { quota: Math.min(...quota) }),
    ...(memory.length === 0 ? {} : { memory: Math.min(...memory) }),
  };
}

/** How many threads have a processor to run on: the cores that may be used, or the quota of processor time, rounded. */
export function availableCpus(): number {
  const { quota = Number.POSITIVE_INFINITY } = machineLimits();
  return Math.max(1, Math.min(availableParallelism(), Math.round(quota)));
}

/** Memory that this process may use, bytes: the machine's, or its control group's limit. */
export const availableMemory = (): number => Math.min(totalmem(), machineLimits().memory ?? Number.POSITIVE_INFINITY);
