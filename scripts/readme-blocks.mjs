/** Code blocks of a Markdown file, in order: language, text, line, and why it is not run where the page says so. */
export function codeBlocks(markdown) {
  const blocks = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const [, indent, language] = /^(\s*)```(\w*)\s*$/.exec(lines[at]) ?? [];
    if (language === undefined) continue;
    const from = at + 1;
    for (at = from; at < lines.length && lines[at].trim() !== "```"; ) at += 1;
    const text = lines.slice(from, at).map((line) => line.slice(indent.length));
    const near = lines.slice(at + 1, at + 3).join(" ");
    const reason = /Not run by the tests: ([^_]+)/.exec(near)?.[1];
    blocks.push({ language, text: text.join("\n"), line: from, ...(reason === undefined ? {} : { reason }) });
  }
  return blocks;
}

/** The commands of a shell block, lines that go on joined, comments off; those below "Not run by the tests" left out. */
export function commandsIn(text) {
  const [run] = text.split(/^# Not run by the tests: .+$/m);
  return run
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/(^|\s)#\s.*$/, "").trim())
    .filter((line) => line !== "");
}
