import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A hub on this machine that speaks as much of the Hugging Face Hub's API as its library asks when models are sent and fetched. */
export type LocalHub = {
  readonly url: string;
  /** Files by repository and path. */
  readonly repos: Map<string, Map<string, Buffer>>;
  /** What was asked: method and path. */
  readonly asked: string[];
  /** Bytes that are given instead of a file's own. */
  readonly instead: Map<string, Buffer>;
  close(): Promise<void>;
};

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
};
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const gitOid = (bytes: Buffer) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
const isLarge = (path: string) => /\.(safetensors|onnx)$/.test(path);

/** Starts one; writing takes the token `hf_secret`. */
export async function localHub(): Promise<LocalHub> {
  const repos = new Map<string, Map<string, Buffer>>();
  const stored = new Map<string, Buffer>();
  const instead = new Map<string, Buffer>();
  const asked: string[] = [];
  const commit = randomBytes(20).toString("hex");
  let url = "";
  const entry = (path: string, bytes: Buffer) => ({
    ...{ type: "file", path, size: bytes.length, oid: gitOid(bytes) },
    lastCommit: { id: commit, title: "made", date: "2026-01-01T00:00:00.000Z" },
    ...(isLarge(path) ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } } : {}),
  });
  type Answer = {
    readonly status?: number;
    readonly json?: unknown;
    readonly bytes?: Buffer;
    readonly headers?: object;
  };
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { pathname } = new URL(request.url ?? "", url);
    const path = decodeURIComponent(pathname);
    asked.push(`${request.method} ${path}`);
    const body = await bodyOf(request);
    const mayWrite = request.headers.authorization === "Bearer hf_secret";
    const json = () => JSON.parse(body.toString());
    if (path === "/api/repos/create") {
      if (!mayWrite) return { status: 401, json: { error: "Invalid credentials" } };
      const repo = `${json().organization}/${json().name}`;
      if (repos.has(repo)) return { status: 409, json: { error: "You already created this model repo" } };
      repos.set(repo, new Map());
      return { json: { url: `${url}/${repo}`, id: repo } };
    }
    const [, repo, what, rest = ""] =
      path.match(/^\/api\/models\/([^/]+\/[^/]+)\/(preupload|commit|tree|paths-info)\/(.+)$/) ??
      path.match(/^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/lfs\/objects\/batch|resolve)(?:\/(.+))?$/) ??
      [];
    const files = repos.get(repo ?? "");
    if (path.startsWith("/store/")) {
      stored.set(path.slice(7), body);
      return { json: {} };
    }
    if (files === undefined) return { status: 404, json: { error: "Repository not found" } };
    if (what === "preupload") {
      if (!mayWrite) return { status: 403, json: { error: "Forbidden" } };
      const asks: { path: string }[] = json().files;
      return {
        json: { files: asks.map((file) => ({ path: file.path, uploadMode: isLarge(file.path) ? "lfs" : "regular" })) },
      };
    }
    if (what === "info/lfs/objects/batch") {
      const objects: { oid: string; size: number }[] = json().objects;
      const actions = (oid: string) =>
        stored.has(oid) ? {} : { actions: { upload: { href: `${url}/store/${oid}` } } };
      return { json: { transfer: "basic", objects: objects.map(({ oid, size }) => ({ oid, size, ...actions(oid) })) } };
    }
    if (what === "commit") {
      for (const line of body.toString().split("\n").filter(Boolean)) {
        const { key, value } = JSON.parse(line);
        if (key === "file") files.set(value.path, Buffer.from(value.content, value.encoding));
        if (key === "lfsFile") {
          const bytes = stored.get(value.oid);
          if (bytes === undefined || sha256(bytes) !== value.oid)
            return { status: 400, json: { error: "no such object" } };
          files.set(value.path, bytes);
        }
      }
      return {
        json: { success: true, commitOid: commit, commitUrl: `${url}/${repo}/commit/${commit}`, hookOutput: "" },
      };
    }
    if (what === "tree") return { json: [...files].map(([name, bytes]) => entry(name, bytes)) };
    if (what === "paths-info") {
      const { paths } = json() as { paths: string[] };
      return { json: paths.flatMap((name) => (files.has(name) ? [entry(name, files.get(name) as Buffer)] : [])) };
    }
    if (what !== "resolve") return { status: 404, json: { error: "no such page" } };
    const name = rest.slice(rest.indexOf("/") + 1);
    const own = files.get(name);
    if (own === undefined)
      return { status: 404, headers: { "x-error-code": "EntryNotFound" }, json: { error: "none" } };
    const bytes = instead.get(name) ?? own;
    const etag = isLarge(name) ? sha256(own) : gitOid(own);
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined) return { bytes, headers: { etag: `"${etag}"` } };
    const end = Math.min(to === "" ? bytes.length - 1 : Number(to), bytes.length - 1);
    const range = `bytes ${from}-${end}/${bytes.length}`;
    return {
      status: 206,
      bytes: bytes.subarray(Number(from), end + 1),
      headers: { etag: `"${etag}"`, "content-range": range },
    };
  };
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status = 200, json, bytes, headers = {} }) =>
        response
          .writeHead(status, {
            "content-type": json === undefined ? "application/octet-stream" : "application/json",
            ...headers,
          })
          .end(json === undefined ? bytes : JSON.stringify(json)),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url, repos, asked, instead },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
