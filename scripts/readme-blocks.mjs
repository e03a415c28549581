/** Code blocks of a Markdown file, in order: language, text, line, and why it is not run where it says so. */
export function codeBlocks(markdown) {
  const blocks = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const [, indent, language] = /^(\s*)```(\w*)\s*$/.exec(lines[at]) ?? [];
    if (language === undefined) continue;
    const from = at + 1;
    for (at = from; at < lines.length && lines[at].trim() !== "```"; ) at += 1;
    const text = lines.slice(from, at).map((line) => line.slice(indent.length));
    // `Not run here: why.` is visible text right under or over the block.
    const near = [...lines.slice(Math.max(0, from - 3), from - 1), ...lines.slice(at + 1, at + 3)].join("\n");
    const reason = /\bNot run (?:here|by the tests): ([^\n*_]+)/i.exec(near)?.[1];
    blocks.push({ language, text: text.join("\n"), line: from, ...(reason === undefined ? {} : { reason }) });
  }
  return blocks;
}
