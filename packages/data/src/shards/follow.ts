import { KdcError } from "@kdc-mae/core";

/** How often an answer may send the asker elsewhere. */
const mostRedirects = 5;
/** What may be said to every host: which bytes are asked for. */
const harmless = new Set(["range", "if-range", "accept-encoding"]);

/**
 * Fetches, and follows redirects. Headers that were meant for the first host (keys, tokens, and whatever a user added)
 * stay there: another host, port or scheme is asked without them.
 *
 * @throws KdcError reason `remote` for a redirect that leads nowhere, in a circle, or to something else than the web
 */
export async function fetchFrom(
  address: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const refuse = (what: string) =>
    new KdcError({ where: address, what, remedy: "Give the address it leads to, or another", reason: "remote" });
  let at = new URL(url);
  let asked: Readonly<Record<string, string>> = headers;
  for (let count = 0; ; count++) {
    const response = await fetch(at, { headers: asked, signal, redirect: "manual" });
    if (![301, 302, 303, 307, 308].includes(response.status)) return response;
    const place = response.headers.get("location");
    // S3 answers 301 without a place when the bucket is in another region, and says so in the body.
    if (place === null) return response;
    await response.body?.cancel();
    if (count === mostRedirects) throw refuse(`it was redirected more than ${mostRedirects} times`);
    if (!URL.canParse(place, at.href))
      throw refuse(`it was redirected to ${JSON.stringify(place)}, which is not an address`);
    const next = new URL(place, at);
    if (next.protocol !== "http:" && next.protocol !== "https:")
      throw refuse(`it was redirected to ${next.protocol}…, which is not read`);
    if (next.origin !== at.origin) {
      asked = Object.fromEntries(Object.entries(asked).filter(([name]) => harmless.has(name.toLowerCase())));
    }
    at = next;
  }
}
