import { printProtocol } from "../protocol.js";
import { htmlPage } from "./html-page.js";
import { escapeHtml, htmlTable } from "./html-text.js";
import { durationText } from "./number-text.js";
import type { ReportInput } from "./report-input.js";
import { protocolsOf } from "./report-record.js";
import {
  classificationHtml,
  headlineCards,
  inpaintingTable,
  localizationTable,
  lossSection,
  retrievalTable,
} from "./sections/figures.js";
import { clipSection, inpaintingStrips, retrievalExamples } from "./sections/pictures-to-see.js";
import { warningsOf } from "./warnings.js";

function warningBox(input: ReportInput): string {
  const warnings = warningsOf(input);
  if (warnings.length === 0) return "";
  return `<aside class="care"><strong>To be read with care</strong><ul>${warnings.map((text) => `<li>${escapeHtml(text)}</li>`).join("")}</ul></aside>`;
}

function dataSection({ dataset, engine, seconds, settings = [] }: ReportInput): string {
  const left = Object.entries(dataset.leftOut).map(([reason, count]) => `${count} × ${reason}`);
  const lines: readonly (readonly [string, string])[] = [
    ["training clips", String(dataset.train)],
    ...(dataset.validation === undefined ? [] : [["validation clips", String(dataset.validation)] as const]),
    ["test clips", String(dataset.test)],
    ["kinds", `${dataset.kinds.length}: ${dataset.kinds.join(", ")}`],
    ["left out", left.length === 0 ? "none" : left.join(", ")],
    ["engine", engine],
    ...Object.entries(seconds).map(([phase, value]) => [`time, ${phase}`, durationText(value)] as const),
    ...settings,
  ];
  const rows = lines.map((line) => line.map(escapeHtml));
  return `<h2 id="data">Data, time and settings</h2><div class="pairs">${htmlTable(["", ""], rows)}</div>`;
}

function protocolSection(input: ReportInput): string {
  const blocks = protocolsOf(input).map(
    (protocol) =>
      `<details><summary>${escapeHtml(protocol.name)}</summary><pre>${escapeHtml(printProtocol(protocol))}</pre></details>`,
  );
  return blocks.length === 0
    ? ""
    : `<h2 id="protocols">Protocols</h2><p class="quiet">How every figure above was measured, in full. Intervals are of 95 %, over clips: percentile bootstraps, exact where the clips of a share are all alike, unless a protocol says otherwise.</p>${blocks.join("")}`;
}

/** A section where there is something in it. */
const section = (id: string, title: string, body: string) => (body === "" ? "" : `<h2 id="${id}">${title}</h2>${body}`);

/**
 * The report as one HTML page that needs no network: style, charts and pictures are inside.
 *
 * @throws KdcError (`image`) for an image that is an address elsewhere
 */
export function reportHtml(input: ReportInput): string {
  const body = [
    lossSection(input),
    section("retrieval", "Retrieval", retrievalTable(input) + retrievalExamples(input)),
    classificationHtml(input),
    section("inpainting", "Inpainting", inpaintingTable(input) + inpaintingStrips(input)),
    section("localization", "Localization", localizationTable(input)),
    clipSection(input),
    dataSection(input),
    protocolSection(input),
  ];
  const links = [...body.join("").matchAll(/<h2 id="([a-z]+)">([^<]+)<\/h2>/g)].map(
    ([, id, name]) => `<a href="#${id}">${name}</a>`,
  );
  const summary = input.summary === undefined ? "" : `<p>${escapeHtml(input.summary)}</p>`;
  return htmlPage({
    title: input.title,
    lead: `${summary}<nav>${links.join("")}</nav>`,
    body: [headlineCards(input), warningBox(input), ...body].filter((part) => part !== "").join("\n"),
  });
}
