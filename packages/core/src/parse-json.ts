import { KdcError } from "./error.js";

/**
 * JSON, or words about what came in its place.
 *
 * @throws KdcError reason `damaged`: for a web page, for an empty text, for what is no JSON or is cut short
 */
export function parseJson(text: string, parts: { readonly where: string; readonly remedy: string }): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = /^\s*<(!|html|\?xml|head|body)/i.test(text)
      ? "it is a web page and not JSON"
      : text.trim() === ""
        ? "it is empty"
        : "it is damaged or cut short: not valid JSON";
    throw new KdcError({ ...parts, what, reason: "damaged", cause });
  }
}
