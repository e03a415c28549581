import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";
import { policy } from "./src/policy.js";

/** The built page says itself what it may do, so that any static host will do. */
const saysItsPolicy: Plugin = {
  name: "says-its-policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: policy }, injectTo: "head-prepend" },
  ],
};

/** Folders of packages that stand in the page or in its workers. Vite's own list leaves the workers out. */
const bundled = new Set([fileURLToPath(new URL("node_modules/onnxruntime-web", import.meta.url))]);

const collectsPackages: Plugin = {
  name: "collects-packages",
  generateBundle(_, files) {
    const modules = Object.values(files).flatMap((file) => (file.type === "chunk" ? Object.keys(file.modules) : []));
    for (const id of modules) {
      const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replace(/^\0/, ""))?.[0];
      if (folder !== undefined && existsSync(join(folder, "package.json"))) bundled.add(folder);
    }
  },
};

const licenseOf = (folder: string): string => {
  const {
    name,
    version,
    license = "no license named",
  } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
  const text = file === undefined ? "" : `\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  return `## ${name} ${version} (${license})\n${text}`;
};

/** Written when the page is put together, which is after its workers. */
const saysLicenses: Plugin = {
  name: "says-licenses",
  apply: "build",
  generateBundle() {
    const texts = [...new Set([...bundled].map(licenseOf))].sort();
    this.emitFile({ type: "asset", fileName: "licenses.md", source: `# Licenses\n\n${texts.join("\n")}` });
  },
};

export default defineConfig({
  base: "./",
  plugins: [saysItsPolicy, collectsPackages, saysLicenses],
  // WebAssembly alone, 13 MB: our own runtime is what uses WebGPU.
  // Its own script apart from ours, since each of its threads starts with it.
  resolve: {
    alias: [{ find: /^onnxruntime-web$/, replacement: "onnxruntime-web/wasm" }],
    conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions],
  },
  worker: { format: "es", plugins: () => [collectsPackages] },
  build: {
    target: "es2023",
    outDir: "dist",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
  },
});
