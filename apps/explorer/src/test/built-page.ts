import { existsSync } from "node:fs";
import { cp, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const app = fileURLToPath(new URL("../..", import.meta.url));
const root = join(app, "..", "..");
const isBuilt = existsSync(join(app, "..", "trainer", "dist", "recipe.js"));

/** Why a browser cannot be tried here, which is said; undefined where it can. */
export function whyNot(found: string | undefined, wanted: string): string | undefined {
  const why = found === undefined ? `no ${wanted}` : isBuilt ? undefined : "run `build` first";
  if (why !== undefined) console.info(`skipped: ${why}`);
  return why;
}

const changed = async (path: string): Promise<number> => (await stat(path)).mtimeMs;

/** When the newest of what the page is made of was written: what is in `src`, how it is built, and the packages as they were built. */
async function newest(): Promise<number> {
  const packages = (await readdir(join(root, "packages"))).map((name) => join(root, "packages", name, "dist"));
  const folders = [join(app, "src"), join(app, "..", "trainer", "dist"), ...packages];
  const inFolders = folders.map(async (folder) => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(app, "src", "test")));
    return Promise.all(files.map(({ parentPath, name }) => changed(join(parentPath, name))));
  });
  const single = ["index.html", "vite.config.ts", "package.json"].map((name) => changed(join(app, name)));
  return Math.max(...(await Promise.all(single)), ...(await Promise.all(inFolders)).flat());
}

/** The page as it is now, of the packages as they were built: the one that is built, or built anew where that is older. */
export async function buildPage(out: string): Promise<void> {
  const built = join(app, "dist");
  const page = join(built, "index.html");
  if (existsSync(page) && (await changed(page)) > (await newest())) return cp(built, out, { recursive: true });
  await build({
    root: app,
    configFile: join(app, "vite.config.ts"),
    logLevel: "error",
    build: { outDir: out, emptyOutDir: true, minify: true },
  });
}
