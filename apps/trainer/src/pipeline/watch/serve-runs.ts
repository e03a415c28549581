import type { IncomingMessage, ServerResponse } from "node:http";
import { refuse, type ServedPage, serveHere } from "../serve-here.js";
import { watchPage } from "./watch-page.js";
import { openWatched, type PageRecord } from "./watched-run.js";

const POLL_MS = 1000;

/**
 * Serves one page that shows runs while they go on, to this machine alone.
 *
 * @param port any free one unless given
 * @throws KdcError when a folder holds no run, and for a port that is taken
 */
export async function serveRuns(
  folders: readonly string[],
  { port = 0, pollMs = POLL_MS }: { readonly port?: number; readonly pollMs?: number } = {},
): Promise<ServedPage> {
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
  const answer = async (request: IncomingMessage, response: ServerResponse, { pathname, searchParams }: URL) => {
    if (pathname === "/events") return events(request, response, Number(searchParams.get("from") ?? 0));
    const [, index, file] = pathname.match(/^\/file\/(\d+)\/(.+)$/) ?? [];
    if (file !== undefined) {
      const bytes = await runs[Number(index)]?.picture(file);
      if (bytes === undefined) return refuse(response, 404, "there is no such picture");
      response.writeHead(200, { "content-type": "image/png", "x-content-type-options": "nosniff" }).end(bytes);
      return;
    }
    if (pathname !== "/") return refuse(response, 404, "there is no such page");
    const shown = runs.map(({ name, folder, experiment }, at) => ({ name, folder, experiment, records: records[at] }));
    const page = await watchPage(shown, { seen: first + told.length });
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" }).end(page);
  };
  const served = await serveHere("watch", answer, { port }).catch((error) => {
    clearInterval(timer);
    throw error;
  });
  return {
    address: served.address,
    async close() {
      clearInterval(timer);
      for (const response of listening) response.end();
      await served.close();
    },
  };
}
