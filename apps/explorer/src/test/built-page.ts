import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const app = fileURLToPath(new URL("../..", import.meta.url));
const isBuilt = existsSync(join(app, "..", "trainer", "dist", "recipe.js"));

/** Why a browser cannot be tried here, which is said; undefined where it can. */
export function whyNot(found: string | undefined, wanted: string): string | undefined {
  const why = found === undefined ? `no ${wanted}` : isBuilt ? undefined : "run `build` first";
  if (why !== undefined) console.info(`skipped: ${why}`);
  return why;
}

/** Builds the page as it is now, of the packages as they were built. */
export async function buildPage(out: string): Promise<void> {
  await build({
    root: app,
    configFile: join(app, "vite.config.ts"),
    logLevel: "error",
    build: { outDir: out, emptyOutDir: true, minify: true },
  });
}
