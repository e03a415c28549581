/** The programs as one script for a page, made by either bundler with nothing set but what a page needs. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const require = createRequire(import.meta.url);

/** Where the files lie that onnxruntime-web fetches. */
export const runtimeFiles = join(require.resolve("onnxruntime-web"), "..");

/** @param entry a script beside this file @param out the folder to write `page.js` into */
export const bundlers = {
  esbuild: async (entry, out) => {
    const { build } = await import("esbuild");
    await build({
      ...{ absWorkingDir: here, entryPoints: { page: entry }, outdir: out, logLevel: "error" },
      ...{ bundle: true, format: "esm", platform: "browser", minify: true },
    });
  },
  vite: async (entry, out) => {
    const { build } = await import("vite");
    await build({
      ...{ root: here, configFile: false, logLevel: "error" },
      build: {
        ...{ outDir: out, emptyOutDir: false, target: "esnext" },
        rollupOptions: {
          input: join(here, entry),
          output: { entryFileNames: "page.js" },
          preserveEntrySignatures: false,
        },
      },
    });
  },
};
