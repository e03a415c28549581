import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const packages = fileURLToPath(new URL("./packages/", import.meta.url));
const apps = fileURLToPath(new URL("./apps/", import.meta.url));

/** WebGPU without a card: the software adapter of Debian's chromium package, where it is and nothing else was chosen. */
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
const chosen = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
const adapter = chosen === undefined && existsSync(software) ? { VK_ICD_FILENAMES: software } : {};

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
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      "scripts/**/*.test.ts",
      "examples/**/*.test.ts",
    ],
    // Tests on another tfjs backend than cpu; see docs/engine.md.
    setupFiles: process.env.KDC_TEST_BACKEND ? ["./scripts/test-backend.mjs"] : [],
    env: { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? "/tmp", ...adapter },
    // A test that hangs ends; one on a busy machine does not.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
    // One worker a core; unless told, one core would be left idle.
    maxWorkers: "100%",
  },
});
