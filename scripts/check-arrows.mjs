/**
 * Checks the arrows of the design: no package imports a sibling, only the named rooms import the heavy libraries, only
 * entries called `node` reach Node, nothing imports in a circle, and no floor of the trainer reaches up.
 * `node scripts/check-arrows.mjs [root]`
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { circles, importGraph, isTest, waysTo, withoutComments } from "./import-graph.mjs";

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));

/** Which packages may import a library outside their tests. */
const rooms = [
  { library: /^@tensorflow\/tfjs-core$/, allowed: ["model", "losses", "engine"], typesAllowed: ["core"] },
  { library: /^@tensorflow\/(tfjs|tfjs-node|tfjs-node-gpu|tfjs-backend-.*)$/, allowed: ["engine"] },
  { library: /^onnxruntime-/, allowed: ["engine"] },
];

/** What no entry but `node` may load: Node itself, libraries with native code, and libraries that need Node. */
const onlyInNode = (specifier) =>
  specifier.startsWith("node:") ||
  builtinModules.includes(specifier) ||
  /^(onnxruntime-node|sharp|webgpu|koffi|yauzl|fluent-ffmpeg|tar-stream|csv-parse|@ffmpeg-installer\/.*|@tensorflow\/tfjs-node.*|@lancedb\/.*)$/.test(
    specifier,
  );

/** Folders of apps/trainer/src, from the top down; a floor may use itself and those below. */
const floors = [["commands", "terminal"], ["bench", "parity", "doctor"], ["pipeline"]];
const floorOf = (file) => floors.findIndex((floor) => floor.includes(file.split("/")[0]));

const problems = [];
const at = (file) => relative(root, file);

const checkRoom = (name, file, { text, imports }) => {
  for (const { specifier, typeOnly } of imports) {
    const sibling = /^@kdc-mae\/([a-z]+)(?:\/|$)/.exec(specifier)?.[1];
    if (sibling !== undefined && sibling !== name && sibling !== "core") {
      problems.push(
        `${at(file)}: imports its sibling ${specifier}; pass the skill in as a function, or move the noun to core`,
      );
    }
    if (sibling !== undefined && name === "core") {
      problems.push(`${at(file)}: core imports ${specifier}; core imports nobody`);
    }
    if (isTest(file)) continue;
    for (const { library, allowed, typesAllowed = [] } of rooms) {
      if (!library.test(specifier) || allowed.includes(name) || (typeOnly && typesAllowed.includes(name))) continue;
      problems.push(`${at(file)}: imports ${specifier}, which only ${allowed.join(", ")} may`);
    }
  }
  const touches = /\b(console\.|process\.(?:env|exit|stdout|stderr|argv|on)\b|Date\.now|performance\.now)/;
  if (!isTest(file) && touches.test(withoutComments(text))) {
    problems.push(`${at(file)}: touches the console, the clock or the process; only apps do`);
  }
};

const checkCircles = (graph) => {
  for (const circle of circles(graph)) problems.push(`${circle.map(at).join(" ⇄ ")}: import each other in a circle`);
};

const checkEntries = (folder, graph, needsNode) => {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const [path, { default: built }] of Object.entries(exports)) {
    if (needsNode.test(path)) continue;
    const entry = join(folder, built.replace("./dist/", "src/").replace(/\.js$/, ".ts"));
    if (!graph.has(entry)) problems.push(`${at(entry)}: is exported as ${path} and is not there`);
    for (const way of waysTo(graph, entry, onlyInNode)) {
      const through = [...way.slice(0, -1).map(at), way.at(-1)].join(" → ");
      problems.push(`${through}: the entry "${path}" is for browsers too; put what needs Node behind "./node"`);
    }
  }
};

const checkFloors = (folder, graph) => {
  for (const [file, { imports }] of graph) {
    const from = floorOf(relative(folder, file));
    if (from < 0 || isTest(file)) continue;
    for (const { file: target } of imports) {
      const to = target === undefined ? from : floorOf(relative(folder, target));
      // A file above all floors, such as index.ts, is above each of them.
      if (to < from) problems.push(`${at(file)}: reaches up to ${at(target)}; move what both need down`);
    }
  }
};

for (const name of readdirSync(join(root, "packages"))) {
  const folder = join(root, "packages", name);
  const graph = importGraph(join(folder, "src"));
  for (const [file, found] of graph) checkRoom(name, file, found);
  checkCircles(graph);
  checkEntries(folder, graph, /(^|\/)node$/);
}
const trainer = join(root, "apps", "trainer", "src");
if (existsSync(trainer)) {
  const graph = importGraph(trainer);
  checkCircles(graph);
  checkFloors(trainer, graph);
  // The main entry of the command line needs Node; its recipe is for pages too.
  checkEntries(join(trainer, ".."), graph, /^\.$/);
}

if (problems.length > 0) {
  process.stderr.write(`${problems.join("\n")}\n${problems.length} arrows point the wrong way\n`);
  process.exit(1);
}
process.stdout.write("arrows: all point to core, none up, none in a circle, Node only behind node\n");
