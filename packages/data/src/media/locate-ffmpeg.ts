import { access, chmod, constants, copyFile, mkdir } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { isKdcError, KdcError } from "@kdc-mae/core";
import { runProcess } from "./run-process.js";

/** An ffmpeg program that runs here, and where it was found. */
export type Ffmpeg = {
  readonly path: string;
  readonly source: "FFMPEG_PATH" | "PATH" | "@ffmpeg-installer/ffmpeg";
  /** As it names itself, such as `7.0.2` or `N-47683-g0e8eb07980-static`. */
  readonly version: string;
  /** Under which licence its makers' options put it. */
  readonly licence: string;
  /** Places looked at before, and why each was passed over. */
  readonly passedOver: readonly string[];
};

/** Where {@link locateFfmpeg} looks. */
export type LocateOptions = {
  /** The environment to read FFMPEG_PATH and PATH from; an app passes `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A folder to copy the packaged program to, where it may not be made executable in place. */
  readonly copyTo?: string;
};

/**
 * Finds an ffmpeg that runs: the one that FFMPEG_PATH names, and no other; else the first on PATH, else the program
 * inside the npm package `@ffmpeg-installer/ffmpeg` (a build of 2018).
 *
 * @throws KdcError reason `no-ffmpeg`: what FFMPEG_PATH names does not run, or nothing does, with every place and what
 *   was wrong with it
 *
 * @example
 * ```ts
 * import { locateFfmpeg } from "@kdc-mae/data/node";
 *
 * const { path, version, source } = await locateFfmpeg({ env: process.env });
 * ```
 */
export async function locateFfmpeg({ env, copyTo }: LocateOptions): Promise<Ffmpeg> {
  const passedOver: string[] = [];
  const attempt = async (source: Ffmpeg["source"], find: () => Promise<string>): Promise<Ffmpeg | undefined> => {
    try {
      const path = await find();
      return { path, source, ...(await askVersion(path)), passedOver };
    } catch (error) {
      if (isKdcError(error) && error.reason === "killed") throw error;
      passedOver.push(`${source}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const named = env.FFMPEG_PATH;
  const found = named
    ? await attempt("FFMPEG_PATH", async () => resolve(named))
    : ((await attempt("PATH", () => searchPath(env.PATH ?? env.Path ?? ""))) ??
      (await attempt("@ffmpeg-installer/ffmpeg", () => packagedProgram(copyTo))));
  if (found) return found;
  throw new KdcError({
    where: named ? `FFMPEG_PATH=${named}` : "locateFfmpeg",
    what: `no working ffmpeg was found (${passedOver.join("; ")})`,
    remedy: named
      ? "Name a program that runs, or unset FFMPEG_PATH"
      : "Install ffmpeg from your system or https://ffmpeg.org and set FFMPEG_PATH to the program",
    reason: "no-ffmpeg",
  });
}

async function searchPath(path: string): Promise<string> {
  const names = ["ffmpeg", "ffmpeg.exe"];
  for (const folder of path.split(delimiter).filter((part) => isAbsolute(part))) {
    for (const name of names) {
      const candidate = join(folder, name);
      if (await isExecutable(candidate)) return candidate;
    }
  }
  throw new Error("no ffmpeg in any of its folders");
}

/** The npm package leaves making its program executable to an install script, which package managers often do not run. */
async function packagedProgram(copyTo: string | undefined): Promise<string> {
  // Importing throws a bare string on a platform without a package.
  const { default: installer } = await import("@ffmpeg-installer/ffmpeg");
  const { path } = installer;
  if (await isExecutable(path)) return path;
  const made = await chmod(path, 0o755).then(
    () => true,
    () => false,
  );
  if (made) return path;
  if (copyTo === undefined) throw new Error(`${path} is not executable and may not be changed`);
  await mkdir(copyTo, { recursive: true });
  const copy = join(copyTo, "ffmpeg");
  await copyFile(path, copy);
  await chmod(copy, 0o755);
  return copy;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Times a program is asked that is killed before it answers. */
const tries = 4;

/**
 * What a program says of itself. One that is killed from outside or does not answer in time is asked again: to take
 * another then would decode the rest of a set otherwise than its beginning.
 */
async function askVersion(path: string, left = tries): Promise<Pick<Ffmpeg, "version" | "licence">> {
  const asked = await runProcess(path, ["-version"], { limits: [2 ** 20], timeoutMs: 20_000 });
  const { outputs, exitCode, killed } = asked;
  if (killed === "killed" || killed === "timeout") {
    if (left > 1) return askVersion(path, left - 1);
    throw new KdcError({
      where: path,
      what: `ffmpeg was ${killed === "killed" ? "killed" : "still running after 20 s"} each of ${tries} times it was asked for its version`,
      remedy: "Check whether memory ran out, and run again",
      reason: "killed",
    });
  }
  const text = new TextDecoder().decode(outputs[0]);
  const version = /^ffmpeg version (\S+)/.exec(text);
  if (exitCode !== 0 || !version) throw new Error(`${path} does not answer to -version as ffmpeg does`);
  return { version: version[1], licence: licenceOf(text) };
}

/** The licence that follows from how an ffmpeg was configured (its LICENSE.md). */
function licenceOf(text: string): string {
  const has = (option: string) => new RegExp(`^configuration:.* --enable-${option}(?: |$)`, "m").test(text);
  if (has("nonfree")) return "not to be passed on (built with --enable-nonfree)";
  const version3 = has("version3");
  if (has("gpl")) return version3 ? "GPL 3 or later" : "GPL 2 or later";
  return version3 ? "LGPL 3 or later" : "LGPL 2.1 or later";
}
