/** A registry on this machine: our packages as they would be published, everything else from the npm registry. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { nodeOf, run, toolOf } from "./tools.mjs";

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const config = (uplink) => `
storage: ./storage
auth: { htpasswd: { file: ./users } }
uplinks: { npmjs: { url: "${uplink}", maxage: 60m, timeout: 60s } }
packages:
  "@kdc-mae/*": { access: $all, publish: $all }
  "**": { access: $all, proxy: npmjs }
max_body_size: 300mb
log: { type: file, path: ./log, level: warn }
`;

/** Starts verdaccio, which needs Node 22. @returns its address, a token that may publish, and how to stop it */
export async function startRegistry(cache, folder) {
  const [node, verdaccio] = [
    await nodeOf(cache, "22.23.3"),
    await toolOf(cache, "verdaccio", "6.10.4", "bin/verdaccio"),
  ];
  const uplink = (await run("npm", ["config", "get", "registry"])).trim();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.yaml"), config(uplink));
  const port = await freePort();
  const child = spawn(node, [verdaccio, "--config", join(folder, "config.yaml"), "--listen", `127.0.0.1:${port}`], {
    ...{ cwd: folder, stdio: "ignore" },
  });
  const url = `http://127.0.0.1:${port}/`;
  const stop = () => child.kill();
  // Whoever ends the rehearsal ends the registry with it.
  process.on("exit", stop);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
  for (let attempt = 0; ; attempt++) {
    const answers = await fetch(`${url}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answers) break;
    if (attempt === 300 || child.exitCode !== null) throw new Error(`verdaccio does not answer; see ${folder}/log`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const user = { name: "rehearsal", password: "rehearsal", email: "rehearsal@example.com", type: "user" };
  const joined = await fetch(`${url}-/user/org.couchdb.user:rehearsal`, {
    ...{ method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(user) },
  });
  const { token } = await joined.json();
  return { url, token, stop };
}
