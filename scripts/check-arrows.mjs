/** Checks the arrows of the design: no package imports a sibling, and only the named rooms import the heavy libraries. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Which packages may import a library outside their tests. */
const rooms = [
  { library: /^@tensorflow\/tfjs-core$/, allowed: ["model", "losses", "engine", "eval"], typesAllowed: ["core"] },
  { library: /^@tensorflow\/(tfjs|tfjs-node|tfjs-node-gpu|tfjs-backend-.*)$/, allowed: ["engine"] },
  { library: /^onnxruntime-/, allowed: ["engine"] },
];

const sources = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.ts$/.test(entry.name) ? [path] : [];
  });

const importsOf = (text) =>
  [
    ...text.matchAll(
      /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g,
    ),
  ].map((match) => ({ specifier: match[3] ?? match[4], typeOnly: match[2] !== undefined }));

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

const problems = [];
for (const name of readdirSync(join(root, "packages"))) {
  for (const file of sources(join(root, "packages", name, "src"))) {
    const isTest = /\.test(\.support)?\.ts$/.test(file);
    const at = relative(root, file);
    const text = readFileSync(file, "utf8");
    for (const { specifier, typeOnly } of importsOf(text)) {
      const sibling = /^@kdc-mae\/([a-z-]+)/.exec(specifier)?.[1];
      if (sibling !== undefined && sibling !== name && sibling !== "core") {
        problems.push(
          `${at}: imports its sibling ${specifier}; pass the skill in as a function, or move the noun to core`,
        );
      }
      if (sibling !== undefined && name === "core")
        problems.push(`${at}: core imports ${specifier}; core imports nobody`);
      if (isTest) continue;
      for (const { library, allowed, typesAllowed = [] } of rooms) {
        if (!library.test(specifier) || allowed.includes(name) || (typeOnly && typesAllowed.includes(name))) continue;
        problems.push(`${at}: imports ${specifier}, which only ${allowed.join(", ")} may`);
      }
    }
    if (
      !isTest &&
      /\b(console\.|process\.(?:env|exit|stdout|stderr|argv|on)\b|Date\.now|performance\.now)/.test(
        withoutComments(text),
      )
    ) {
      problems.push(`${at}: touches the console, the clock or the process; only apps do`);
    }
  }
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join("\n")}\n${problems.length} arrows point the wrong way\n`);
  process.exit(1);
}
process.stdout.write("arrows: all point to core\n");
