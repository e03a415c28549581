import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a check of this folder says of a made-up house: files by path. */
export function checkHouse(
  name: string,
  files: Readonly<Record<string, string>>,
): { readonly ok: boolean; readonly said: string } {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const root = mkdtempSync(join(tmpdir(), "kdc-house-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, root], { encoding: "utf8" });
  rmSync(root, { recursive: true });
  return { ok: status === 0, said: stdout + stderr };
}
