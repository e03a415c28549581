/**
 * Rehearses a release: versions and publishes everything to a registry on this machine, and installs and uses each
 * package alone in blank projects, as a stranger would. `node scripts/rehearse-release.mjs [--full] [--only name,…]`
 *
 * Short, as in CI: every package with npm, and the largest with pnpm as well. `--full`: every package with both. Where
 * the trainer is among them, its demo runs too, straight from the registry in an empty folder, and its page is served.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tryPage } from "./rehearsal/page.mjs";
import { tryDemo, tryPackage } from "./rehearsal/project.mjs";
import { publishAll } from "./rehearsal/publish.mjs";
import { startRegistry } from "./rehearsal/registry.mjs";
import { checkTarball } from "./rehearsal/tarball.mjs";
import { nodeOf } from "./rehearsal/tools.mjs";

const { values: options } = parseArgs({
  options: { full: { type: "boolean", default: false }, only: { type: "string" }, keep: { type: "boolean" } },
});
const root = fileURLToPath(new URL("..", import.meta.url));
const cache = join(root, "node_modules", ".cache", "rehearsal");
mkdirSync(cache, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "kdc-rehearsal-"));
const say = (text) => process.stdout.write(`${text}\n`);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;

/** The lowest Node that `engines` names, and the current one of each line. */
const floor = /\^(\d+\.\d+)/.exec(
  JSON.parse(readFileSync(join(root, "packages/core/package.json"), "utf8")).engines.node,
);
const versions = [`${floor[1]}.0`, "20.20.2", "22.23.3", "24.21.0"];
const nodes = {};
for (const version of versions) nodes[version] = await nodeOf(cache, version);

const registry = await startRegistry(cache, join(scratch, "registry"));
let failed = 0;
try {
  const began = Date.now();
  const published = await publishAll(root, join(scratch, "sources"), registry);
  say(`published ${published.length} packages in ${Math.round((Date.now() - began) / 1000)} s`);
  const rows = [];
  for (const [index, one] of published.entries()) {
    try {
      const size = await checkTarball(one, join(scratch, `tarball-${index}`), registry.url);
      say(`ok      ${one.name}@${one.version} tarball ${megabytes(size)}`);
    } catch (error) {
      failed += 1;
      say(`FAILED  ${error.message}`);
    }
  }
  const wanted = options.only?.split(",");
  const tried = published.filter(
    ({ name }) => !name.includes("/onnxruntime-") && (!wanted || wanted.some((part) => name.endsWith(`/${part}`))),
  );
  for (const one of tried) {
    for (const manager of options.full || one.name.endsWith("/trainer") ? ["npm", "pnpm"] : ["npm"]) {
      const folder = join(scratch, `${one.name.split("/")[1]}-${manager}`);
      const start = Date.now();
      try {
        const row = await tryPackage({ folder, manager, published: one, url: registry.url, nodes });
        const seconds = Math.round((Date.now() - start) / 1000);
        rows.push({ ...row, seconds });
        say(
          `ok      ${one.name} with ${manager}: ${megabytes(row.bytes)} installed, ${row.blocks} blocks, ${row.commands} commands, ${seconds} s`,
        );
      } catch (error) {
        failed += 1;
        say(`FAILED  ${one.name} with ${manager}: ${error.message}`);
      }
    }
  }
  const trainer = tried.find(({ name }) => name.endsWith("/trainer"));
  if (trainer !== undefined) {
    try {
      const steps = await tryDemo(join(scratch, "demo"), trainer, registry.url);
      say(`ok      npx ${trainer.name} demo: ${steps} training steps, a report`);
    } catch (error) {
      failed += 1;
      say(`FAILED  npx ${trainer.name} demo: ${error.message}`);
    }
    try {
      const bytes = await tryPage(join(scratch, "trainer-npm"));
      say(`ok      kdc-mae explore, as installed: a page of ${megabytes(bytes)}, one file of WebAssembly`);
    } catch (error) {
      failed += 1;
      say(`FAILED  kdc-mae explore, as installed: ${error.message}`);
    }
  }
  say("| package | with | installed | README blocks | commands | seconds |\n| --- | --- | --- | --- | --- | --- |");
  for (const { name, manager, bytes, blocks, commands, seconds } of rows) {
    say(`| \`${name}\` | ${manager} | ${megabytes(bytes)} | ${blocks} | ${commands} | ${seconds} |`);
  }
  say(`Node ${versions.join(", ")}; TypeScript nodenext and bundler, plain import, require`);
  say(`rehearsal: ${rows.length} projects ok, ${failed} failed`);
} finally {
  registry.stop();
  if (options.keep) say(`kept: ${scratch}`);
  else rmSync(scratch, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
