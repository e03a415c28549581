/** What turns written labels into the ones to use. */
export type Naming = { readonly nameOf?: ReadonlyMap<string, string> };

/** A label as it is compared: é is one letter (NFC) whichever disk or program wrote it, without space around it. */
export const sameLabel = (text: string): string => text.normalize("NFC").trim();

/** The class that a written label stands for; itself where no class list says otherwise. */
export const labelNamed = (text: string, { nameOf }: Naming): string => {
  const label = sameLabel(text);
  return nameOf?.get(label) ?? label;
};

const quoted = String.raw`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?`;
const pythonList = new RegExp(String.raw`^\[\s*(?:(?:${quoted})(?:\s*,\s*|\s+|(?=\])))*\]$`);

/**
 * The labels that a cell or a field means: a list; text with `;` between them; or the text of a list as JSON, Python and
 * NumPy print it, such as `['dog', 'big dog']`. Undefined for what is none of these.
 */
export function labelsIn(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === "number") return [String(value)];
  const written = typeof value === "string" ? textsIn(value) : value;
  if (!Array.isArray(written)) return undefined;
  if (!written.every((label) => typeof label === "string" || typeof label === "number")) return undefined;
  return [...new Set(written.map((label) => sameLabel(String(label))).filter((label) => label !== ""))];
}

function textsIn(text: string): readonly string[] {
  const whole = text.trim();
  if (!pythonList.test(whole)) return whole.split(";");
  return [...whole.slice(1, -1).matchAll(new RegExp(quoted, "g"))].map(([one]) =>
    /^['"]/.test(one) ? one.slice(1, -1).replace(/\\(u[0-9a-f]{4}|x[0-9a-f]{2}|.)/gi, unescaped) : one,
  );
}

const plain: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

const unescaped = (_: string, code: string): string =>
  code.length > 1 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (plain[code] ?? code);
