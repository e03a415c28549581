import { availableParallelism, totalmem } from "node:os";
import { describe, expect, it } from "vitest";
import { availableCpus, availableMemory, machineLimits } from "./limits.js";

const on = (files: Record<string, string>) => machineLimits((path) => files[path]);
const v2mount = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
const v1mounts = (root = "/") =>
  ["cpu,cpuacct", "memory"]
    .map((name) => `32 31 0:29 ${root} /sys/fs/cgroup/${name} rw,relatime shared:9 - cgroup cgroup rw,${name}\n`)
    .join("");

describe("machineLimits", () => {
  it("reads version 2, the narrowest of the groups above it too", () => {
    expect(
      on({
        "/proc/self/cgroup": "0::/user.slice/job.scope\n",
        "/proc/self/mountinfo": v2mount,
        "/sys/fs/cgroup/user.slice/job.scope/cpu.max": "150000 100000\n",
        "/sys/fs/cgroup/user.slice/job.scope/memory.max": "max\n",
        "/sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/user.slice/memory.max": "2147483648\n",
      }),
    ).toEqual({ quota: 1.5, memory: 2 ** 31 });
  });

  it("reads version 2 in a container, which sees its own group as the root", () => {
    const container = { "/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": v2mount };
    expect(on({ ...container, "/sys/fs/cgroup/cpu.max": "50000 100000", "/sys/fs/cgroup/memory.max": "4096" })).toEqual(
      {
        quota: 0.5,
        memory: 4096,
      },
    );
    expect(on({ ...container, "/sys/fs/cgroup/cpu.max": "max 100000", "/sys/fs/cgroup/memory.max": "max" })).toEqual(
      {},
    );
  });

  it("reads version 1, where no limit is a number", () => {
    const own = { "/proc/self/cgroup": "9:memory:/a/b\n4:cpu,cpuacct:/a\n1:name=systemd:/\n" };
    const files = (quota: string, limit: string) => ({
      ...{ ...own, "/proc/self/mountinfo": v1mounts() },
      "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": quota,
      "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": limit,
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    });
    expect(on(files("250000\n", "1073741824\n"))).toEqual({ quota: 2.5, memory: 2 ** 30 });
    expect(on(files("-1\n", "9223372036854771712\n"))).toEqual({});
  });

  it("reads version 1 in a container, where the path is the host's and the mount shows a part of it", () => {
    const files = {
      "/proc/self/cgroup": "9:memory:/docker/0a1b\n4:cpu,cpuacct:/docker/0a1b\n",
      "/proc/self/mountinfo": v1mounts("/docker/0a1b"),
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456",
    };
    expect(on(files)).toEqual({ quota: 0.5, memory: 2 ** 28 });
  });

  it("says nothing where there are no control groups, or nonsense in their files", () => {
    expect(on({})).toEqual({});
    expect(
      on({ "/proc/self/cgroup": "0::/../..\nx", "/proc/self/mountinfo": v2mount, "/sys/fs/cgroup/cpu.max": "a b" }),
    ).toEqual({});
  });

  it("never gives more than the machine, nor less than one", () => {
    expect(availableCpus()).toBeGreaterThanOrEqual(1);
    expect(availableCpus()).toBeLessThanOrEqual(availableParallelism());
    expect(availableMemory()).toBeLessThanOrEqual(totalmem());
  });
});
