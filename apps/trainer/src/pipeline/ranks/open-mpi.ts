import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { KdcError } from "@kdc-mae/core";
import type { Ranks } from "./ranks.js";

/** The little of koffi that is used; the package is a peer that need not be there. */
type Koffi = { load(path: string): Library };
type Call = ((...values: readonly unknown[]) => number) & {
  async(...values: readonly [...unknown[], (error: unknown, value: number) => void]): void;
};
type Library = { func(prototype: string): Call; symbol(name: string): unknown };

const packageName = "koffi";
/** Open MPI 4 and 5; the last as a development package and as macOS name it. */
const libraries = ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib", "libmpi.dylib"];
const libc = process.platform === "darwin" ? "libSystem.dylib" : "libc.so.6";
/** For what each library is asked by the name MPI_IN_PLACE. */
const IN_PLACE = 1n;
/** Calls come from whichever thread, one at a time. */
const SERIALIZED = 2;

const noMpi = (where: string, what: string, remedy: string, cause?: unknown): KdcError =>
  new KdcError({ where, what, remedy, reason: "no-mpi", cause });

async function loadKoffi(): Promise<Koffi> {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(packageName);
  } catch (cause) {
    const what = "mpirun started several processes, and the package that calls MPI is not installed";
    throw noMpi(packageName, what, `Install it on every machine with npm install ${packageName}`, cause);
  }
  const module = await import(pathToFileURL(path).href);
  return module.load === undefined ? module.default : module;
}

function loadLibrary(koffi: Koffi, chosen: string | undefined): Library {
  const tried = chosen === undefined ? libraries : [chosen];
  let first: unknown;
  for (const name of tried) {
    try {
      return koffi.load(name);
    } catch (cause) {
      first ??= cause;
    }
  }
  throw noMpi(
    "MPI",
    `none of ${tried.join(", ")} can be loaded (${first instanceof Error ? first.message : String(first)})`,
    "Install Open MPI on every machine (Debian, Ubuntu: openmpi-bin; Fedora, RHEL: openmpi, then module load mpi/openmpi-x86_64; conda-forge: openmpi), or name the library in KDC_MAE_MPI",
    first,
  );
}

/** Ranks that MPI carries, and how a process leaves them. */
export type StartedRanks = {
  readonly ranks: Ranks;
  /** Waits for the others, and ends MPI. Nothing may be asked of the ranks afterwards. */
  readonly leave: () => void;
  /** Ends every rank at once. @param code what they exit with */
  readonly abort: (code: number) => void;
  /** Ends this process alone, whatever its threads wait for. */
  readonly quit: (code: number) => void;
};

/**
 * Joins the processes that `mpirun` started.
 *
 * @param env KDC_MAE_MPI names the library where it is none of the usual
 * @throws KdcError (`no-mpi`) where koffi or Open MPI is missing, or MPI will not start
 */
export async function startOpenMpi(env: Readonly<Record<string, string | undefined>>): Promise<StartedRanks> {
  const koffi = await loadKoffi();
  const library = loadLibrary(koffi, env.KDC_MAE_MPI);
  const handle = (name: string): unknown => {
    try {
      return library.symbol(name);
    } catch (cause) {
      const what = `it has no ${name}: it is not Open MPI`;
      throw noMpi("MPI", what, "Load Open MPI 4 or 5; MPICH and others have not been tried", cause);
    }
  };
  const world = handle("ompi_mpi_comm_world");
  const [float, double, long, byte] = ["float", "double", "int64_t", "byte"].map((name) => handle(`ompi_mpi_${name}`));
  const operations = { sum: handle("ompi_mpi_op_sum"), max: handle("ompi_mpi_op_max") };
  const typeOf = (values: Float32Array | Float64Array | BigInt64Array): unknown =>
    values instanceof Float32Array ? float : values instanceof Float64Array ? double : long;
  const failed = (call: string, code: number): KdcError =>
    new KdcError({
      where: call,
      what: `MPI says error ${code}: a rank, or the connection to it, is gone`,
      remedy: "Start the same command again: training goes on from its last checkpoint",
      reason: "rank-lost",
    });
  const now = (prototype: string) => {
    const call = library.func(prototype);
    return (...values: readonly unknown[]): void => {
      const code = call(...values);
      if (code !== 0) throw failed(prototype, code);
    };
  };
  /** Of a thread of its own, so that signals and timers are heard while it waits. */
  const later = (prototype: string) => {
    const call = library.func(prototype);
    return (...values: readonly unknown[]): Promise<void> =>
      new Promise((resolve, reject) => {
        call.async(...values, (error, code) => {
          if (error) reject(error);
          else if (code !== 0) reject(failed(prototype, code));
          else resolve();
        });
      });
  };
  const allreduce = later("int MPI_Allreduce(void*, void*, int, void*, void*, void*)");
  const allgather = later("int MPI_Allgather(void*, int, void*, void*, int, void*, void*)");
  const allgatherv = later("int MPI_Allgatherv(void*, int, void*, void*, void*, void*, void*, void*)");
  const broadcast = later("int MPI_Bcast(void*, int, void*, int, void*)");
  const barrier = later("int MPI_Barrier(void*)");

  now("int MPI_Init_thread(void*, void*, int, _Out_ int*)")(null, null, SERIALIZED, [0]);
  const [rank, size] = [[0], [0]];
  now("int MPI_Comm_rank(void*, _Out_ int*)")(world, rank);
  now("int MPI_Comm_size(void*, _Out_ int*)")(world, size);
  now("int MPI_Comm_set_errhandler(void*, void*)")(world, handle("ompi_mpi_errors_return"));
  const finalize = now("int MPI_Finalize()");
  const abort = now("int MPI_Abort(void*, int)");
  /** What one call of MPI may carry: it counts in 32 bits. */
  const MOST = 2 ** 30;

  return {
    ranks: {
      rank: rank[0],
      size: size[0],
      async allreduce(values, how) {
        for (let from = 0; from < values.length; from += MOST) {
          const part = values.subarray(from, from + MOST);
          await allreduce(IN_PLACE, part, part.length, typeOf(part), operations[how], world);
        }
      },
      async allgather(bytes, into) {
        const lengths = new Float64Array(size[0]);
        await allgather(Float64Array.of(bytes.length), 1, double, lengths, 1, double, world);
        const total = lengths.reduce((sum, length) => sum + length, 0);
        if (total >= 2 ** 31) {
          throw new KdcError({
            where: "MPI_Allgatherv",
            what: `${(total / 1e9).toFixed(1)} GB would be gathered at once, and MPI counts to 2.1`,
            remedy: "Take a smaller global batch",
            reason: "memory",
          });
        }
        if (into !== undefined && into.length !== total) {
          throw new KdcError({
            where: "MPI_Allgatherv",
            what: `the ranks have ${total} bytes between them, and this one made room for ${into.length}`,
            remedy: "Give every rank batches of the same shape",
            reason: "shape",
          });
        }
        const counts = Int32Array.from(lengths);
        const places = Int32Array.from(counts, (_, index) => counts.subarray(0, index).reduce((sum, n) => sum + n, 0));
        const all = into ?? new Uint8Array(total);
        await allgatherv(bytes, bytes.length, byte, all, counts, places, byte, world);
        return Array.from(counts, (count, index) => all.subarray(places[index], places[index] + count));
      },
      async broadcast(bytes) {
        for (let from = 0; from < bytes.length; from += MOST) {
          const part = bytes.subarray(from, from + MOST);
          await broadcast(part, part.length, byte, 0, world);
        }
      },
      barrier: () => barrier(world),
    },
    leave: () => finalize(),
    abort: (code) => abort(world, code),
    quit: (code) => koffi.load(libc).func("void _exit(int)")(code),
  };
}

/** How many processes `mpirun` (or `srun --mpi=pmix`) started; 1 where it was neither. */
export function launched(env: Readonly<Record<string, string | undefined>>): number {
  const count = Number(env.OMPI_COMM_WORLD_SIZE ?? (env.PMIX_RANK === undefined ? 1 : (env.SLURM_NTASKS ?? 1)));
  return Number.isInteger(count) && count > 0 ? count : 1;
}

/** The number of this process among them, as its launcher says before MPI is started. */
export const launchedRank = (env: Readonly<Record<string, string | undefined>>): number =>
  launched(env) === 1 ? 0 : Number(env.OMPI_COMM_WORLD_RANK ?? env.PMIX_RANK ?? 0);
