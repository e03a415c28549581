/** The imports of a folder of TypeScript sources, types included, and what can be asked of them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const sources = (folder) =>
  !existsSync(folder)
    ? []
    : readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return sources(path);
        return /\.ts$/.test(entry.name) ? [path] : [];
      });

/** A test, or what only tests use. */
export const isTest = (file) => /\.test(\.\w+)?\.ts$/.test(file);

export const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|new URL\(\s*["'](\.[^"']+\.js)["']/g;

const importsOf = (text) =>
  [...withoutComments(text).matchAll(importPattern)].map((match) => ({
    specifier: match[2] ?? match[3] ?? match[4],
    typeOnly: match[1] !== undefined,
    // A dynamic import or a worker's address is no circle and no arrow of the module itself.
    later: match[2] === undefined,
  }));

/**
 * @returns a map from each file to its text and imports; `file` of an import is there where it stays in the folder
 */
export function importGraph(folder) {
  const files = new Set(sources(folder));
  return new Map(
    [...files].map((file) => {
      const text = readFileSync(file, "utf8");
      const imports = importsOf(text).map((found) => {
        if (!found.specifier.startsWith(".")) return found;
        const target = resolve(dirname(file), found.specifier).replace(/\.js$/, ".ts");
        return files.has(target) ? { ...found, file: target } : found;
      });
      return [file, { text, imports }];
    }),
  );
}

/** Ways by which values are loaded from `entry` to a specifier that matches: lists of files, the last a specifier. */
export function waysTo(graph, entry, forbidden) {
  const ways = [];
  const seen = new Set([entry]);
  const queue = [[entry]];
  for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
    for (const { specifier, file, typeOnly } of graph.get(way.at(-1))?.imports ?? []) {
      if (typeOnly) continue;
      if (file === undefined && forbidden(specifier)) ways.push([...way, specifier]);
      if (file === undefined || seen.has(file)) continue;
      seen.add(file);
      queue.push([...way, file]);
    }
  }
  return ways;
}

/** Circles of imports, types included: lists of the files that reach each other (Tarjan's components). */
export function circles(graph) {
  const found = [];
  const order = new Map();
  const low = new Map();
  const stack = [];
  const visit = (file) => {
    order.set(file, order.size);
    low.set(file, order.get(file));
    stack.push(file);
    for (const { file: next, later } of graph.get(file).imports) {
      if (next === undefined || later) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)));
    }
    if (low.get(file) !== order.get(file)) return;
    const component = stack.splice(stack.indexOf(file));
    if (component.length > 1) found.push(component);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}
