import { escapeHtml } from "./html-text.js";
import { style } from "./style.js";

/** What a page is made of: its title as text, everything else as HTML. */
export type HtmlPage = {
  readonly title: string;
  /** Below the title, inside the header. */
  readonly lead?: string;
  readonly body: string;
  /** Style of this page alone. */
  readonly css?: string;
  /** Where pictures and media may come from, as a Content-Security-Policy has it; nothing else is ever loaded. */
  readonly sources?: string;
};

/** A whole page that needs no network and has no script. */
export const htmlPage = ({ title, lead = "", body, css = "", sources = "img-src data:" }: HtmlPage): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ${sources}; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${style}${css}</style>
</head>
<body>
<main>
<header><h1>${escapeHtml(title)}</h1>${lead}</header>
${body}
</main>
</body>
</html>
`;
