import { open } from "node:fs/promises";
import { fileError } from "@kdc-mae/core/node";

/** A shard's bytes, wherever they are. */
export type ByteSource = {
  readonly name: string;
  /** Whether any piece can be read as cheaply as the next one. */
  readonly random: boolean;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** From `offset` to the end. */
  stream(offset?: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
};

/** A shard on this machine's disk; it is opened when first read. */
export function fileSource(path: string): ByteSource {
  let opened: ReturnType<typeof open> | undefined;
  const read = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    try {
      opened ??= open(path, "r");
      const file = await opened;
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    } catch (error) {
      opened = undefined;
      throw fileError("read", path, error);
    }
  };
  return {
    name: path,
    random: true,
    read,
    async *stream(offset = 0) {
      for (let at = offset; ; ) {
        const chunk = await read(at, 2 ** 20);
        if (chunk.length === 0) return;
        yield chunk;
        at += chunk.length;
      }
    },
    close: async () => {
      const file = await opened?.catch(() => undefined);
      opened = undefined;
      await file?.close();
    },
  };
}
