import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const quiet = { stdio: ["ignore", "ignore", "inherit"] };

/** Keeps the licence of what was fetched, under the name of its package. */
function keepLicence(folder, name, licence) {
  const licences = join(folder, "licences");
  mkdirSync(licences, { recursive: true });
  copyFileSync(licence, join(licences, `${name.replaceAll("/", "-")}.txt`));
}

/**
 * Downloads and unpacks a Debian package with Debian's own tools, which check it against the archive's signed index;
 * nothing is installed. A package that is there already is used again.
 *
 * @param sha256 of the file that the published figures were measured with; another version is said, and used
 * @returns the folder it was unpacked into
 */
export function fetchDebian(folder, name, sha256) {
  const unpacked = join(folder, "packages", name);
  if (existsSync(unpacked)) return unpacked;
  const passing = `${unpacked}.tmp`;
  rmSync(passing, { recursive: true, force: true });
  mkdirSync(passing, { recursive: true });
  try {
    execFileSync("apt-get", ["download", name], { cwd: passing, ...quiet });
  } catch (cause) {
    throw new Error(
      `${name} cannot be downloaded with apt-get. Run this on Debian or Ubuntu after apt-get update, ` +
        `or unpack the package into ${unpacked}`,
      { cause },
    );
  }
  const archive = join(passing, readdirSync(passing)[0]);
  const found = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (sha256 !== undefined && found !== sha256) {
    console.error(`${name}: not the version that was measured with (sha256 ${found}, not ${sha256})`);
  }
  execFileSync("dpkg-deb", ["-x", archive, passing]);
  rmSync(archive);
  keepLicence(folder, name, join(passing, "usr/share/doc", name, "copyright"));
  renameSync(passing, unpacked);
  return unpacked;
}

/**
 * Downloads one version of an npm package and unpacks it; nothing is installed.
 *
 * @param integrity what the file must hash to, as lock files say it
 * @returns the folder it was unpacked into
 */
export function fetchNpm(folder, name, version, integrity) {
  const unpacked = join(folder, "packages", name.replaceAll("/", "-"));
  if (existsSync(unpacked)) return join(unpacked, "package");
  const passing = `${unpacked}.tmp`;
  rmSync(passing, { recursive: true, force: true });
  mkdirSync(passing, { recursive: true });
  execFileSync("npm", ["pack", "--silent", `${name}@${version}`], { cwd: passing, ...quiet });
  const archive = join(passing, readdirSync(passing)[0]);
  const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (found !== integrity) throw new Error(`${name}@${version} is not the file that was measured with: ${found}`);
  execFileSync("tar", ["xzf", archive, "-C", passing]);
  rmSync(archive);
  keepLicence(folder, name, join(passing, "package/LICENSE"));
  renameSync(passing, unpacked);
  return join(unpacked, "package");
}
