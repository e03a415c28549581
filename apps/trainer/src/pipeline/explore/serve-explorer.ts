import { createReadStream } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { refuse, type ServedPage, serveHere } from "../serve-here.js";

export type ServeExplorerOptions = {
  /** The built page's folder. */
  readonly page: string;
  /** The model's file. */
  readonly model?: string;
  /** A folder that `kdc-mae index` wrote. */
  readonly index?: string;
  /** The folder that the index is of, for players. */
  readonly media?: string;
  /** 0, unless given: any that is free. */
  readonly port?: number;
};

/** What is served, by its ending; nothing else is. */
const pageKinds: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
  ".md": "text/plain; charset=utf-8",
};
const filmKinds: Readonly<Record<string, string>> = {
  ...{ ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm" },
  ...{ ".mkv": "video/x-matroska", ".avi": "video/x-msvideo", ".ts": "video/mp2t", ".mpg": "video/mpeg" },
  ...{ ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4" },
  ...{ ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp" },
};
const indexKinds: Readonly<Record<string, string>> = {
  ".json": "application/json",
  ".safetensors": "application/octet-stream",
};

/** A worker has the policy of its own script: it may read a loss term that somebody typed, and ask nobody else. */
const scriptPolicy = "default-src 'none'; script-src 'self' 'unsafe-eval'; connect-src 'self'; worker-src 'self'";

const headers: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
  // Together they let WebAssembly use several threads.
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** A file below a folder, links followed and still below it; undefined where there is none of a kind that is served. */
async function fileBelow(folder: string, path: string, kinds: Readonly<Record<string, string>>) {
  const kind = kinds[extname(path).toLowerCase()];
  if (kind === undefined || path.includes("\0")) return undefined;
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, path));
    if (!file.startsWith(root + sep)) return undefined;
    const about = await stat(file);
    return about.isFile() ? { file, size: about.size, kind } : undefined;
  } catch {
    return undefined;
  }
}

/** The part of a file that is asked for: "all" where that is not one part, undefined where there is no such part. */
function partOf(range: string | undefined, size: number): readonly [from: number, to: number] | "all" | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (first === undefined || (first === "" && last === "")) return "all";
  const from = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return from <= to && from < size ? [from, to] : undefined;
}

/**
 * Serves the explorer's page with a run's model, an index and its films, on this machine alone: on the loopback address,
 * and to nobody who calls it by another name.
 *
 * @throws KdcError where the page was not built, or the port is taken
 */
export async function serveExplorer(options: ServeExplorerOptions): Promise<ServedPage> {
  const { page, model, index, media, port = 0 } = options;
  const html = await readFile(join(page, "index.html"), "utf8").catch(() => {
    throw new KdcError({
      where: `explorer page ${page}`,
      what: "it was not built",
      remedy: "Build it first: npx --yes pnpm@12.21.0 run build",
      reason: "no-page",
    });
  });
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1].replaceAll("&#39;", "'");
  // The same page on a static host asks nobody for a run.
  const served = html.replace("</head>", '<meta name="served" content="kdc-mae explore" /></head>');
  const about = JSON.stringify({ model: model !== undefined, index: index !== undefined, films: media !== undefined });

  const find = async (path: string) => {
    const [, part, rest = ""] = /^\/(run\/index|run\/films)\/(.*)$/.exec(path) ?? [];
    if (part === "run/index") return index === undefined ? undefined : fileBelow(index, rest, indexKinds);
    if (part === "run/films") return media === undefined ? undefined : fileBelow(media, rest, filmKinds);
    if (path === "/run/model.safetensors") {
      if (model === undefined) return undefined;
      return { file: model, size: (await stat(model)).size, kind: "application/octet-stream" };
    }
    return path === "/" || path === "/index.html" ? undefined : fileBelow(page, path, pageKinds);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse, { pathname }: URL): Promise<void> => {
    const path = decodeURIComponent(pathname);
    if (path === "/run/about.json") {
      return void response.writeHead(200, { ...headers, "content-type": "application/json" }).end(about);
    }
    if (path === "/" || path === "/index.html") {
      const more = policy === undefined ? {} : { "content-security-policy": policy };
      return void response.writeHead(200, { ...headers, "content-type": pageKinds[".html"], ...more }).end(served);
    }
    const found = await find(path);
    if (found === undefined) return refuse(response, 404, "there is no such file", headers);
    const part = partOf(request.headers.range, found.size);
    if (part === undefined) {
      return refuse(response, 416, "there is no such part", { ...headers, "content-range": `bytes */${found.size}` });
    }
    const isPart = part !== "all";
    const [from, to] = isPart ? part : [0, found.size - 1];
    response.writeHead(isPart ? 206 : 200, {
      ...headers,
      "content-type": found.kind,
      "content-length": to - from + 1,
      "accept-ranges": "bytes",
      ...(isPart ? { "content-range": `bytes ${from}-${to}/${found.size}` } : {}),
      ...(found.kind.startsWith("text/javascript") ? { "content-security-policy": scriptPolicy } : {}),
    });
    if (request.method === "HEAD" || found.size === 0) return void response.end();
    const stream = createReadStream(found.file, { start: from, end: to });
    stream.on("error", () => response.destroy());
    response.on("close", () => stream.destroy());
    stream.pipe(response);
  };

  return serveHere("explore", answer, { port, headers });
}
