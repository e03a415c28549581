import { spectrumColours } from "../colour-map.js";
import { escapeHtml } from "../html-text.js";

/**
 * Clips by true kind (rows) and predicted kind (columns) as inline SVG; a cell's colour is its share of the row.
 * The counts are written where there is room.
 */
export function confusionMatrix(kinds: readonly string[], counts: readonly (readonly number[])[]): string {
  const cell = kinds.length > 30 ? 10 : kinds.length > 16 ? 20 : 30;
  const longest = kinds.reduce((most, kind) => Math.max(most, kind.length), 4);
  const margin = Math.min(130, 12 + 6 * longest);
  const side = margin + cell * kinds.length;
  const cells = counts.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, predicted) => {
      const share = total === 0 ? 0 : count / total;
      const [x, y] = [margin + predicted * cell, margin + truth * cell];
      const title = `<title>${escapeHtml(`${kinds[truth]} taken for ${kinds[predicted]}: ${count} of ${total}`)}</title>`;
      const fill = count === 0 ? "" : ` style="fill:rgb(${spectrumColours(0.12 + 0.88 * share).join(" ")})"`;
      const number =
        count === 0 || cell < 18
          ? ""
          : `<text class="${share > 0.5 ? "on-light" : "on-dark"}" x="${x + cell / 2}" y="${y + cell / 2 + 3.5}" text-anchor="middle">${count}</text>`;
      return `<g>${title}<rect class="cell" x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}"${fill}/>${number}</g>`;
    });
  });
  const names = kinds.map((kind, index) => {
    const middle = margin + index * cell + cell / 2;
    return `<text x="${margin - 6}" y="${middle + 3.5}" text-anchor="end">${escapeHtml(kind)}</text><text transform="translate(${middle + 3.5} ${margin - 6}) rotate(-90)">${escapeHtml(kind)}</text>`;
  });
  return `<figure class="chart matrix"><figcaption>Confusion: true kind by row, said kind by column; colour is the share of the row</figcaption><div class="scroll"><svg viewBox="0 0 ${side} ${side}" style="max-width:${side}px;min-width:${Math.min(side, 420)}px" role="img" aria-label="Confusion matrix">${names.join("")}${cells.join("")}</svg></div></figure>`;
}
