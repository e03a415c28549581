import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { environmentOf, type Surroundings } from "../surroundings.js";
import { fetchTo } from "./fetch-file.js";
import { accessOf, credentials, type HubAccess, hubAddress, hubError, isHubAddress, refused } from "./hub-address.js";

/** Where the hub's other libraries keep what they fetch (huggingface_hub's environment variables). */
const cacheOf = ({ HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME }: Readonly<Record<string, string | undefined>>): string =>
  HF_HUB_CACHE ?? join(HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface"), "hub");

/**
 * Where a model lies: a path as it is, or the file behind `hf://user/name[@revision][/file]` in the hub's own cache,
 * fetched and compared with its SHA-256 where it is not there yet.
 *
 * @throws KdcError (`hub`)
 */
export async function localModel(path: string, options: Surroundings & HubAccess = {}): Promise<string> {
  if (!isHubAddress(path)) return path;
  const { repo, revision = "main", file = "model.safetensors" } = hubAddress(path);
  const env = environmentOf(options);
  const access = accessOf(options, env);
  const where = {
    repo: { type: "model", name: repo } as const,
    revision,
    hubUrl: access.hubUrl,
    ...credentials(access),
  };
  const doing = `model ${path}`;
  const { downloadFile, pathsInfo } = await import("@huggingface/hub");
  try {
    const [info] = await pathsInfo({ ...where, paths: [file], expand: true });
    if (info === undefined) throw refused(doing, `there is no ${file}`);
    const { lfs, oid, size, lastCommit } = info;
    // The library's own function for this writes to the console, and compares nothing.
    const snapshot = join(cacheOf(env), `models--${repo.replace("/", "--")}`, "snapshots", lastCommit?.id ?? oid);
    const local = join(snapshot, file);
    const held = await stat(local).catch(() => undefined);
    if (held?.size === size) return local;
    await fetchTo(local, () => downloadFile({ ...where, path: file }), { path: file, size, sha256: lfs?.oid }, doing);
    return local;
  } catch (error) {
    throw hubError(doing, error);
  }
}
