import { KdcError } from "@kdc-mae/core";
import { pngDataUri } from "./png.js";
import type { Image } from "./report-input.js";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Any text, safe between tags and inside quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

/** An `img` tag with the picture inside it. @throws KdcError (`image`) for an image that is an address elsewhere */
export function imageTag(image: Image, alt: string, className = ""): string {
  if (typeof image === "string" && !/^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]*$/.test(image)) {
    throw new KdcError({
      where: "reportHtml",
      what: `the image ${JSON.stringify(image.slice(0, 40))} is not a data:image address`,
      remedy:
        "Pass a picture (width, height, data) or a base64 data:image address: the page must open without a network",
      reason: "image",
    });
  }
  const source = typeof image === "string" ? image : pngDataUri(image);
  const size = typeof image === "string" ? "" : ` width="${image.width}" height="${image.height}"`;
  return `<img class="${className}" src="${source}" alt="${escapeHtml(alt)}"${size} loading="lazy">`;
}

/** A table; the first column heads its row. Cells are HTML. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[], caption = ""): string {
  const cells = (row: readonly string[]) =>
    row.map((value, index) => (index === 0 ? `<th scope="row">${value}</th>` : `<td>${value}</td>`)).join("");
  return `<div class="scroll"><table>${caption === "" ? "" : `<caption>${caption}</caption>`}<thead><tr>${head
    .map((name) => `<th scope="col">${name}</th>`)
    .join("")}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join("")}</tbody></table></div>`;
}
