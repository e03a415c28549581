/**
 * Checks that one name means one thing: what an entry of a package or of the trainer exports is declared nowhere else
 * under that name, and takes no name of the language; that nothing in the product is cast to `never`; and that programs
 * of scripts and examples, which no compiler reads, import what is exported.
 * `node scripts/check-names.mjs [root]`
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { importGraph, isTest, withoutComments } from "./import-graph.mjs";

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));

/** Names that stand twice on purpose, and why. */
const onPurpose = {
  classify: "the trainer's opens films and names what is in them by the model's",
  inpaint: "the trainer's opens films; evaluation's takes clips",
  localize: "the trainer's opens films; evaluation's takes clips",
  compiled: "programs on ONNX Runtime, in Node and in browsers: one takes the other's place",
  createSession: "a session of ONNX Runtime, in Node and in browsers: one takes the other's place",
  loadModel: "the trainer's reads the file first",
  prepare: "the trainer's opens what an experiment names first",
  survey: "the trainer's opens what an experiment names first",
};
/** Entries whose names are words of a little language of their own, written beside nothing else. */
const languages = /^packages\/core\/wasm$/;
/** Names that readers take for the language's. */
const builtIn =
  /^(Pick|Omit|Record|Partial|Required|Readonly|Exclude|Extract|Parameters|ReturnType|Awaited|Array|Map|Set|Error|Promise|Symbol|Object|Function|Date|JSON)$/;

const declared = /^export (?:declare )?(?:async )?(?:type|const|let|function\*?|class|interface|enum)\s+(\w+)/gm;
const listed = /^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?/gm;
const starred = /^export \* from "(\.[^"]+)"/gm;

const at = (file) => relative(root, file);
const folders = ["packages", "apps"].flatMap((kind) =>
  existsSync(join(root, kind)) ? readdirSync(join(root, kind)).map((name) => join(kind, name)) : [],
);

const problems = [];
/** Every file that declares a name. */
const places = new Map();
const texts = new Map();
for (const folder of folders) {
  for (const [file, { text }] of importGraph(join(root, folder, "src"))) {
    texts.set(file, withoutComments(text));
    if (isTest(file)) continue;
    for (const [, name] of texts.get(file).matchAll(declared)) {
      places.set(name, [...(places.get(name) ?? []), file]);
      if (builtIn.test(name)) problems.push(`${at(file)}: ${name} is a word of the language; find another`);
    }
    if (/\bas never\b/.test(texts.get(file))) problems.push(`${at(file)}: casts to never; say the type`);
  }
}

const made = (text, name) =>
  new RegExp(`\\b(?:type|const|let|function\\*?|class|interface|enum)\\s+${name}\\b`).test(text);

/** What a file exports: each name, and the file that declares it; none where another package does. */
const exportsOf = (file) => {
  const text = texts.get(file);
  const target = (specifier) => join(dirname(file), specifier).replace(/\.js$/, ".ts");
  return [
    ...[...text.matchAll(declared)].map(([, name]) => [name, file]),
    // What another package's entry hands on is counted there.
    ...[...text.matchAll(listed)].flatMap(([, list, from]) =>
      (from === undefined || from.startsWith(".") ? list : "")
        .split(",")
        .map((word) =>
          word
            .replace(/\btype\b/, "")
            .trim()
            .split(/\s+as\s+/),
        )
        .filter(([name]) => name !== "")
        .map((names) => {
          // What another package made is the same thing here.
          if (from !== undefined && !from.startsWith(".")) return [names.at(-1), undefined];
          if (from === undefined) return [names.at(-1), made(text, names[0]) ? file : undefined];
          const found = texts.has(target(from))
            ? exportsOf(target(from)).find(([name]) => name === names[0])
            : undefined;
          return [names.at(-1), found?.[1] ?? target(from)];
        }),
    ),
    ...[...text.matchAll(starred)].flatMap(([, from]) => exportsOf(target(from))),
  ];
};

let count = 0;
/** Sources of entries, by what is written to import one. */
const entries = new Map();
for (const folder of folders) {
  const { name: own, exports = {} } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  for (const [path, { default: built = "" }] of Object.entries(exports)) {
    if (!built.endsWith(".js") || languages.test(join(folder, path))) continue;
    const entry = join(root, folder, built.replace("./dist/", "src/").replace(/\.js$/, ".ts"));
    entries.set(join(own ?? "", path), entry);
    for (const [name, file] of texts.has(entry) ? exportsOf(entry) : []) {
      count += 1;
      const others = (places.get(name) ?? []).filter((place) => place !== file);
      if (file === undefined || others.length === 0 || name in onPurpose) continue;
      problems.push(`${name}: exported from ${at(file)}, and another thing in ${others.map(at).join(", ")}`);
    }
  }
}

const programsIn = (folder) =>
  !existsSync(folder)
    ? []
    : readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return entry.name === "node_modules" ? [] : programsIn(path);
        return /\.m?js$/.test(entry.name) ? [path] : [];
      });

for (const program of ["scripts", "examples"].flatMap((folder) => programsIn(join(root, folder)))) {
  const text = withoutComments(readFileSync(program, "utf8"));
  for (const [, list, from] of text.matchAll(/^import \{([^}]*)\} from "([^"]+)"/gm)) {
    // What a build makes of a source.
    const built = join(dirname(program), from).replace("/dist/", "/src/").replace(/\.js$/, ".ts");
    const source = from.includes("/dist/") ? built : entries.get(from);
    if (!texts.has(source)) continue;
    const exported = new Set(exportsOf(source).map(([name]) => name));
    for (const name of list.split(",").map((word) => word.trim().split(" as ")[0])) {
      if (name !== "" && !exported.has(name))
        problems.push(`${at(program)}: imports ${name}, which ${from} does not export`);
    }
  }
}

if (problems.length > 0) {
  process.stderr.write(`${[...new Set(problems)].join("\n")}\n`);
  process.exit(1);
}
process.stdout.write(`names: ${count} exported, each for one thing; nothing is cast to never\n`);
