/** A copy of the sources, versioned and published exactly as the release workflow does it. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./tools.mjs";

const pnpm = (args, options) => run("npx", ["--yes", "pnpm@12.21.0", ...args], options);

/** Copies what git knows or would add, so that nothing built or left over goes along. */
async function copySources(root, to) {
  const listed = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  const deleted = new Set((await run("git", ["ls-files", "-z", "--deleted"], { cwd: root })).split("\0"));
  for (const file of listed.split("\0")) {
    if (file === "" || deleted.has(file)) continue;
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file));
  }
}

/** @returns the published packages: name, version, folder in the copy */
export async function publishAll(root, to, { url, token }) {
  await copySources(root, to);
  const git = (...args) =>
    run("git", ["-c", "user.name=rehearsal", "-c", "user.email=rehearsal@example.com", ...args], { cwd: to });
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "as it is");
  await pnpm(["install", "--frozen-lockfile", "--prefer-offline"], { cwd: to });
  await pnpm(["exec", "changeset", "version"], { cwd: to });
  await pnpm(["run", "build"], { cwd: to });
  const userConfig = join(to, "..", "npmrc");
  writeFileSync(userConfig, `registry=${url}\n//${new URL(url).host}/:_authToken=${token}\n`);
  const env = { npm_config_userconfig: userConfig, NPM_CONFIG_USERCONFIG: userConfig, npm_config_registry: url };
  await pnpm(["exec", "changeset", "publish", "--no-git-tag"], { cwd: to, env, timeoutSeconds: 900 });
  return ["packages", "apps", "native"]
    .flatMap((floor) => readdirSync(join(to, floor)).map((name) => join(to, floor, name)))
    .flatMap((folder) => {
      try {
        const { name, version, private: own } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
        return own ? [] : [{ name, version, folder }];
      } catch {
        return [];
      }
    });
}
