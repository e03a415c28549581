/** The page that an installed trainer serves. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The address that a command prints first. */
const addressOf = (child) =>
  new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (part) => {
      said += part;
      const address = /http:\/\/\S+/.exec(said)?.[0];
      if (address !== undefined) resolve(address);
    });
    child.on("exit", (code) => reject(new Error(`kdc-mae explore ended with ${code}: ${said}`)));
  });

/**
 * Serves the explorer as it was installed in a folder, and asks for the page and for every file of it.
 *
 * @returns bytes of the page @throws Error where something is not served, or WebAssembly lies there twice or not at all
 */
export async function tryPage(folder) {
  const trainer = join(folder, "node_modules", "@kdc-mae", "trainer");
  const files = readdirSync(join(trainer, "explorer", "assets"));
  const modules = files.filter((file) => file.endsWith(".wasm"));
  if (modules.length !== 1)
    throw new Error(`the page has ${modules.length} files of WebAssembly: ${modules.join(", ")}`);
  const child = spawn(process.execPath, [join(trainer, "bin", "kdc-mae.js"), "explore"], {
    ...{ cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
  });
  try {
    const address = await addressOf(child);
    const page = await (await fetch(address)).text();
    const named = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path);
    if (named.length < 2) throw new Error(`the page names ${named.length} files`);
    let bytes = page.length;
    for (const path of new Set([...named, ...files.map((file) => `assets/${file}`), "licenses.md"])) {
      const answer = await fetch(new URL(path, address));
      const body = Buffer.from(await answer.arrayBuffer());
      if (!answer.ok || !body.equals(readFileSync(join(trainer, "explorer", path)))) {
        throw new Error(`${path} of the page is not served as it is: ${answer.status}`);
      }
      bytes += body.length;
    }
    return bytes;
  } finally {
    child.kill();
  }
}
