export type { TableRequest } from "./comparison/compare.js";
export { comparisonCsv } from "./comparison/comparison-csv.js";
export { comparisonHtml } from "./comparison/comparison-html.js";
export { comparisonMarkdown } from "./comparison/comparison-markdown.js";
export { differenceText } from "./comparison/comparison-text.js";
export type { ColourMap, Rgb } from "./report/colour-map.js";
export { type HeadlineRow, headline } from "./report/headline.js";
export { escapeHtml } from "./report/html-text.js";
export { type LabelledFile, type LabelsPage, labelsHtml } from "./report/labels-page.js";
export { clockText, intervalText, type NumberKind, numberText, overText } from "./report/number-text.js";
export {
  boxPicture,
  framePicture,
  heatLayer,
  heatPicture,
  joinPictures,
  maskedPicture,
  type Picture,
  resizePicture,
  spectrogramPicture,
  spectrogramRange,
  stackPictures,
} from "./report/pictures.js";
export type { PlayedFile } from "./report/player.js";
export { base64, encodePng } from "./report/png.js";
export { reportHtml } from "./report/report-html.js";
export type {
  ClipPictures,
  Image,
  ImagePair,
  InpaintingStrip,
  ReelStep,
  ReportInput,
  RetrievalExample,
} from "./report/report-input.js";
export { reportMarkdown } from "./report/report-markdown.js";
export { reportJson } from "./report/report-record.js";
export { resultsMteb } from "./report/results/mteb.js";
export {
  type FailedProtocol,
  type Results,
  resultsHtml,
  resultsJson,
  resultsMarkdown,
  resultsText,
} from "./report/results/results.js";
export { type ResultSection, type ResultTable, sectionOf } from "./report/results/section.js";
export { type SearchPage, searchHtml } from "./report/search-page.js";
export { alignedTable, markdownTable } from "./report/table-text.js";
