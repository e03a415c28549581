import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KdcError } from "@kdc-mae/core";
import { watchPage } from "./watch-page.js";
import { openWatched, type PageRecord } from "./watched-run.js";

/** Only this machine. */
const LOOPBACK = "127.0.0.1";
const POLL_MS = 1000;

/** Names this machine calls itself by: a page of somebody else's, whose name leads here, is not answered. */
const isOurs = (host: string | undefined): boolean => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? "");

/** A page that is served: where, and how that ends. */
export type ServedRuns = {
  readonly url: string;
  /** Ends the serving; the runs go on. */
  close(): Promise<void>;
};

/**
 * Serves one page that shows runs while they go on, to this machine alone.
 *
 * @param port any free one unless given
 * @throws KdcError when a folder holds no run, and for a port that is taken
 */
export async function serveRuns(
  folders: readonly string[],
  { port = 0, pollMs = POLL_MS }: { readonly port?: number; readonly pollMs?: number } = {},
): Promise<ServedRuns> {
  const runs = await Promise.all(folders.map(openWatched));
  const records: PageRecord[][] = runs.map(() => []);
  /** Everything that was told, in the order of telling; its place is its number. */
  let told: { readonly run: number; readonly record: PageRecord }[] = [];
  let first = 0;
  const listening = new Set<ServerResponse>();
  const write = (response: ServerResponse, number: number) =>
    response.write(`id: ${number}\nevent: record\ndata: ${JSON.stringify(told[number - first - 1])}\n\n`);

  const poll = async () => {
    for (const [index, run] of runs.entries()) {
      const polled = await run.poll();
      if (polled === "anew") {
        records[index] = [];
        for (const response of listening) response.write("event: anew\ndata: {}\n\n");
        continue;
      }
      for (const record of polled) {
        if (record.kind === "begin" || record.kind === "back") {
          while (records[index].length > 0 && records[index][records[index].length - 1].step > record.step)
            records[index].pop();
        }
        records[index].push(record);
        told.push({ run: index, record });
        for (const response of listening) write(response, first + told.length);
      }
    }
    // Who lost the connection for longer than that loads the page again.
    if (told.length > 20_000) {
      first += told.length - 10_000;
      told = told.slice(-10_000);
    }
  };
  await poll();
  let polling = Promise.resolve();
  const timer = setInterval(() => {
    polling = polling.then(poll).catch(() => undefined);
  }, pollMs);

  const events = (request: IncomingMessage, response: ServerResponse, from: number) => {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(`retry: ${POLL_MS}\n\n`);
    const since = Number(request.headers["last-event-id"] ?? from);
    if (!(since >= first && since <= first + told.length)) response.write("event: anew\ndata: {}\n\n");
    else for (let number = since + 1; number <= first + told.length; number++) write(response, number);
    listening.add(response);
    response.on("close", () => listening.delete(response));
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", `http://${LOOPBACK}`);
    const refuse = (status: number) => response.writeHead(status).end();
    if (!isOurs(request.headers.host)) return refuse(403);
    if (request.method !== "GET") return refuse(405);
    if (pathname === "/events") return events(request, response, Number(searchParams.get("from") ?? 0));
    const [, index, file] = pathname.match(/^\/file\/(\d+)\/(.+)$/) ?? [];
    if (file !== undefined) {
      const bytes = await runs[Number(index)]?.picture(file);
      if (bytes === undefined) return refuse(404);
      return response.writeHead(200, { "content-type": "image/png", "x-content-type-options": "nosniff" }).end(bytes);
    }
    if (pathname !== "/") return refuse(404);
    const shown = runs.map(({ name, folder, experiment }, at) => ({ name, folder, experiment, records: records[at] }));
    const page = await watchPage(shown, { seen: first + told.length });
    return response
      .writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" })
      .end(page);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const what = cause.code === "EADDRINUSE" ? `port ${port} is taken` : cause.message;
      const remedy = "Give another with --port, or none: a free one is taken";
      reject(new KdcError({ where: `watch on ${LOOPBACK}`, what, remedy, reason: "usage", cause }));
    });
    server.listen(port, LOOPBACK, resolve);
  }).catch((error) => {
    clearInterval(timer);
    throw error;
  });
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/`,
    async close() {
      clearInterval(timer);
      for (const response of listening) response.end();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
