/**
 * Processes that take a training step together. Every call is made by all of them, in the same order.
 */
export type Peers = {
  /** This process's number, from 0. */
  readonly rank: number;
  readonly size: number;
  /** Adds up, or takes the largest of, what all have at each place; everybody's array holds it then, bit for bit. */
  readonly allreduce: (values: Float32Array | Float64Array | BigInt64Array, how: "sum" | "max") => Promise<void>;
  /**
   * What each has to say, by rank; of any length.
   *
   * @param into where it is to lie, one after another: as long as all of it together. New memory unless given.
   */
  readonly allgather: (bytes: Uint8Array, into?: Uint8Array) => Promise<readonly Uint8Array[]>;
};

/** One process. */
export const noPeers: Peers = {
  rank: 0,
  size: 1,
  allreduce: async () => undefined,
  allgather: async (bytes, into) => {
    into?.set(bytes);
    return [bytes];
  },
};

/** Whether anybody is asked to stop: the same answer for all. */
export async function anyoneAsked(peers: Peers, signal: { readonly aborted: boolean } | undefined): Promise<boolean> {
  if (peers.size === 1) return signal?.aborted ?? false;
  const asked = Float64Array.of(signal?.aborted ? 1 : 0);
  await peers.allreduce(asked, "max");
  return asked[0] > 0;
}

export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** Rows of numbers, all of one length, that the processes have between them, in the order of ranks. */
export async function gatherRows(peers: Peers, rows: readonly (readonly number[])[]): Promise<readonly number[][]> {
  const width = rows[0].length;
  const gathered = await peers.allgather(bytesOf(Float64Array.from(rows.flat())));
  return gathered.flatMap((bytes) => {
    const numbers = new Float64Array(bytes.slice().buffer);
    return Array.from({ length: numbers.length / width }, (_, row) => [
      ...numbers.subarray(row * width, (row + 1) * width),
    ]);
  });
}
