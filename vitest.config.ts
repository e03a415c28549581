import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/tests/longest-first.js";

const packages = fileURLToPath(new URL("./packages/", import.meta.url));
const apps = fileURLToPath(new URL("./apps/", import.meta.url));

/** WebGPU without a card: the software adapter of Debian's chromium package, where it is and nothing else was chosen. */
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
const chosen = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
const adapter = chosen === undefined && existsSync(software) ? { VK_ICD_FILENAMES: software } : {};

/**
 * Test files that share a process, where libraries are loaded once: most of a second less for each. They change nothing for
 * one another (`scripts/tests/leaves-nothing.ts` looks). All others, of programs, devices, workers and globals, have one each.
 */
const together = [
  "packages/{core,masking,losses,model,eval}/src/**/*.test.ts",
  "packages/data/src/{augment,dataset,manifest,patch,survey,synthetic,visual}/*.test.ts",
  "packages/data/src/audio/!(log-mel*).test.ts",
  "packages/data/src/shards/!(hostile-server).test.ts",
  "packages/engine/src/compile/!(kernel-table|random-functions).test.ts",
  "packages/engine/src/{export,train}/!(leak).test.ts",
];
/** What `--engine eager --backend wasm` computes too: tfjs's kernels of that name are other code, and some are wrong. */
const onWasmToo = ["packages/{losses,model}/src/**/*.test.ts"];
/** Another tfjs backend than cpu is set up by each file; see docs/engine.md. */
const another = process.env.KDC_TEST_BACKEND !== undefined ? ["./scripts/test-backend.mjs"] : [];

/** Tests run on the sources: a workspace import resolves to `packages/<name>/src`, so no build is needed first. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@kdc-mae\/trainer\/([a-z-]+)$/, replacement: `${apps}trainer/src/$1.ts` },
      { find: /^@kdc-mae\/trainer$/, replacement: `${apps}trainer/src/index.ts` },
      { find: /^@kdc-mae\/([a-z]+)$/, replacement: `${packages}$1/src/index.ts` },
      { find: /^@kdc-mae\/([a-z]+)\/([a-z-]+)$/, replacement: `${packages}$1/src/$2.ts` },
    ],
  },
  test: {
    setupFiles: [...another, "./scripts/tests/patient-dawn.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "apart",
          include: ["{packages,apps}/*/src/**/*.test.ts", "{scripts,examples}/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...together],
        },
      },
      {
        extends: true,
        test: {
          ...{ name: "together", isolate: another.length > 0, include: together },
          setupFiles: another.length > 0 ? [] : ["./scripts/tests/leaves-nothing.ts"],
        },
      },
      {
        extends: true,
        test: {
          ...{ name: "wasm", isolate: false, include: another.length > 0 ? [] : onWasmToo },
          ...{ env: { KDC_TEST_BACKEND: "wasm" }, setupFiles: ["./scripts/test-backend.mjs"] },
        },
      },
    ],
    sequence: { sequencer: LongestFirst },
    env: { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? "/tmp", ...adapter },
    // A test that hangs ends; one on a busy machine does not.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
    // One worker a core; unless told, one core would be left idle.
    maxWorkers: "100%",
  },
});
