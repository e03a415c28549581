import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createRepo, downloadFile, listFiles, uploadFiles } from "@huggingface/hub";
import { KdcError } from "@kdc-mae/core";
import { sha256OfFile } from "@kdc-mae/core/node";
import { environmentOf, type Surroundings } from "../surroundings.js";
import { runCard } from "./card.js";
import { fetchTo } from "./fetch-file.js";
import { accessOf, credentials, type HubAccess, hubAddress, hubError, refused, staysInside } from "./hub-address.js";
import { modelConfigJson } from "./model-config.js";

/** Files of a run that are worth sharing; its state, its log of steps and its pictures are not. */
const shared = /^(model|best|averaged)\.safetensors$|^(experiment|result)\.json$|^log\.jsonl$|\.onnx$/;
const alsoShared = ["evaluation/protocols.json", "evaluation/protocols.md"];

/** How a run is put on a hub. */
export type PushOptions = Surroundings &
  HubAccess & {
    /** An identifier such as `mit` or `cc-by-4.0`, for the card. */
    readonly license?: string;
    /** A repository that does not exist yet is made visible to its owner alone. */
    readonly isPrivate?: boolean;
  };

/**
 * Puts a run on a hub: weights, a card, the experiment, what was evaluated, ONNX files, and `config.json`. The repository
 * is made where there is none.
 *
 * @param run the run's folder
 * @param address such as `hf://user/name`
 * @returns the files that were sent
 * @throws KdcError for a folder without a model, and (`hub`) for what the hub refuses
 */
export async function push(run: string, address: string, options: PushOptions = {}): Promise<readonly string[]> {
  const { repo, revision, file } = hubAddress(address);
  if (file !== undefined) {
    throw new KdcError({
      where: address,
      what: "it names a file, and a whole run is sent",
      remedy: "Write hf://user/name",
      reason: "usage",
    });
  }
  const access = accessOf(options, environmentOf(options));
  if (access.token === undefined) {
    throw new KdcError({
      where: `push to ${address}`,
      what: "there is no access token",
      remedy: "Give one that may write, in HF_TOKEN (huggingface.co/settings/tokens)",
      reason: "no-token",
    });
  }
  const names = (await readdir(run).catch(() => [])).filter((name) => shared.test(name));
  if (!names.some((name) => name.endsWith(".safetensors"))) {
    throw new KdcError({
      where: `run folder ${run}`,
      what: "there is no model in it (model.safetensors, best.safetensors)",
      remedy: "Give the folder of a run that has ended",
      reason: "no-model",
    });
  }
  const paths = [...names, ...alsoShared.filter((name) => existsSync(join(run, name)))].sort();
  const card = await runCard(run, { license: options.license, address });
  const config = await modelConfigJson(join(run, names.find((name) => name.endsWith(".safetensors")) ?? ""));
  const files = [
    { path: "README.md", content: new Blob([card]) },
    { path: "config.json", content: new Blob([config]) },
    ...paths.map((path) => ({ path, content: pathToFileURL(join(run, path)) })),
  ];
  const doing = `push to hf://${repo}`;
  try {
    await createRepo({
      ...{ repo: { type: "model", name: repo }, hubUrl: access.hubUrl, accessToken: access.token },
      ...(options.isPrivate ? { visibility: "private" as const } : {}),
    }).catch((error: { statusCode?: number }) => {
      // It is there already.
      if (error.statusCode !== 409) throw error;
    });
    options.onProgress?.({ stage: "push", unit: "files", done: 0, total: files.length });
    await uploadFiles({
      ...{ repo: { type: "model", name: repo }, files, hubUrl: access.hubUrl, branch: revision },
      ...{ commitTitle: `Add ${files.length} files with kdc-mae`, abortSignal: options.signal },
      ...credentials(access),
    });
    options.onProgress?.({ stage: "push", unit: "files", done: files.length, total: files.length });
  } catch (error) {
    throw hubError(doing, error);
  }
  return files.map(({ path }) => path);
}

/**
 * Fetches a model's files from a hub into a folder; each appears whole or not at all, and one that is stored by its
 * SHA-256 is compared with it. Files that are there already and right are not fetched again.
 *
 * @param address such as `hf://user/name@main`; with a file, that one alone
 * @returns the files, relative to the folder
 * @throws KdcError (`hub`) for what the hub refuses, and for a file that is another than it says
 */
export async function pull(
  address: string,
  out: string,
  options: Surroundings & HubAccess = {},
): Promise<readonly string[]> {
  const { repo, revision, file } = hubAddress(address);
  const access = accessOf(options, environmentOf(options));
  const where = {
    repo: { type: "model", name: repo } as const,
    revision,
    hubUrl: access.hubUrl,
    ...credentials(access),
  };
  const doing = `pull from ${address}`;
  try {
    const found: { path: string; size: number; sha256?: string }[] = [];
    for await (const entry of listFiles({ ...where, recursive: true })) {
      if (entry.type !== "file" || (file !== undefined && entry.path !== file)) continue;
      if (!staysInside(entry.path)) throw refused(doing, `it names a file outside the folder: ${entry.path}`);
      found.push({ path: entry.path, size: entry.size, sha256: entry.lfs?.oid });
    }
    if (found.length === 0) throw refused(doing, file === undefined ? "there are no files" : `there is no ${file}`);
    for (const [done, one] of found.entries()) {
      options.signal?.throwIfAborted();
      options.onProgress?.({ stage: "pull", unit: "files", done, total: found.length, note: one.path });
      const path = join(out, one.path);
      if (one.sha256 !== undefined && existsSync(path) && (await sha256OfFile(path)) === one.sha256) continue;
      await fetchTo(path, () => downloadFile({ ...where, path: one.path }), one, doing);
    }
    options.onProgress?.({ stage: "pull", unit: "files", done: found.length, total: found.length });
    return found.map(({ path }) => path);
  } catch (error) {
    throw hubError(doing, error);
  }
}
