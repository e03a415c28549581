import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KdcError } from "@kdc-mae/core";

/** Only this machine. */
const loopback = "127.0.0.1";

/** Names this machine calls itself by: a page of somebody else's, whose name leads here, is not answered. */
const ours = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** A page that is being served. */
export type ServedPage = {
  readonly address: string;
  /** Ends the server and whatever it is sending. */
  readonly close: () => Promise<void>;
};

/** What an answer has in any case, a refusal too. */
type Headers = Readonly<Record<string, string>>;

/** Says no, in a sentence. */
export function refuse(response: ServerResponse, status: number, what: string, headers: Headers = {}): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers }).end(`${what}\n`);
}

/**
 * Serves to this machine alone: on the loopback address, to nobody who calls it by another name, and for reading only.
 *
 * @param name what is served, for errors
 * @param answer is asked for everything else; what it throws is answered with 400
 * @throws KdcError (`port`) where the port is taken
 */
export async function serveHere(
  name: string,
  answer: (request: IncomingMessage, response: ServerResponse, path: URL) => Promise<void>,
  { port = 0, headers = {} }: { readonly port?: number; readonly headers?: Headers } = {},
): Promise<ServedPage> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!ours.test(request.headers.host ?? "")) return refuse(response, 403, "not here", headers);
    const reads = request.method === "GET" || request.method === "HEAD";
    if (!reads) return refuse(response, 405, "only reading", { ...headers, allow: "GET, HEAD" });
    return answer(request, response, new URL(request.url ?? "/", `http://${loopback}`));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else refuse(response, 400, "that cannot be read", headers);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const what = cause.code === "EADDRINUSE" ? `port ${port} is taken` : cause.message;
      const remedy = "Give another with --port, or none: a free one is taken";
      reject(new KdcError({ where: `${name} on ${loopback}`, what, remedy, reason: "port", cause }));
    });
    server.listen(port, loopback, resolve);
  });
  return {
    address: `http://${loopback}:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
