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

export default defineConfig({
  base: "./",
  plugins: [saysItsPolicy],
  // WebAssembly alone, 13 MB: our own runtime is what uses WebGPU.
  // Its own script apart from ours, since each of its threads starts with it.
  resolve: {
    alias: [{ find: /^onnxruntime-web$/, replacement: "onnxruntime-web/wasm" }],
    conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions],
  },
  worker: { format: "es" },
  build: {
    target: "es2023",
    outDir: "dist",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    license: { fileName: "licenses.md" },
  },
});
