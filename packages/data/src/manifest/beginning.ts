import { open } from "node:fs/promises";
import { fileError } from "@kdc-mae/core/node";

/** The first 4 kB of a text file. @throws KdcError for a file that cannot be read */
export async function beginningOf(path: string): Promise<string> {
  const file = await open(path).catch((error) => {
    throw fileError("read", path, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    throw fileError("read", path, error);
  } finally {
    await file.close();
  }
}
