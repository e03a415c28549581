/** Disks: full ones that are enlarged, and read-only ones. Needs to be allowed to mount a small tmpfs. */
import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./ground.mjs";

const mount = (...args) => execFileSync("mount", args, { stdio: "pipe" });

/** Why disks cannot be tried here; undefined where they can. */
function reason(folder) {
  if (process.platform !== "linux") return "there is no tmpfs on this system";
  if (process.getuid?.() !== 0) return "only root may mount a small disk";
  try {
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder);
    execFileSync("umount", [folder]);
    return undefined;
  } catch (error) {
    return `mounting failed (${String(error.stderr ?? error.message).trim()})`;
  }
}

const isStack = (output) => /^\s+at .*:\d+:\d+/m.test(output);

/** Space that is too little for each command, kB. */
const tooSmall = { prepare: 600, pretrain: 120, finetune: 120, index: 8 };

export async function runDisks(ground, { say }) {
  const disk = join(ground.folder, "disk");
  await mkdir(disk, { recursive: true });
  const skipped = reason(disk);
  if (skipped !== undefined) return { skipped };
  const results = [];
  const note = (what, held, output) => {
    results.push({ what, held, ...(held ? {} : { output: output.slice(-1500) }) });
    say(`disks ${results.length}, held ${results.filter((one) => one.held).length}`);
  };
  for (const [name, { args, equal }] of Object.entries(ground.commands)) {
    mount("-t", "tmpfs", "-o", `size=${tooSmall[name]}k`, "tmpfs", disk);
    try {
      const out = join(disk, "out");
      const full = await run(args(out), ground);
      note(
        `${name} on a full disk`,
        full.code === 1 && /(the disk is full|are free)\. Free some space/.test(full.output) && !isStack(full.output),
        full.output,
      );
      mount("-o", "remount,size=64m", disk);
      const again = await run(args(out), ground);
      const same = await equal(out).then(JSON.stringify, (error) => error.message);
      note(
        `${name} after the disk was enlarged`,
        again.code === 0 && same === ground.undisturbed[name],
        again.output + same,
      );
    } finally {
      execFileSync("umount", [disk]);
    }
  }
  mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", disk);
  try {
    mount("-o", "remount,ro", disk);
    const lines = {
      ...Object.fromEntries(Object.entries(ground.commands).map(([name, { args }]) => [name, args(join(disk, "out"))])),
      evaluate: [
        ...["evaluate", ground.model, "--data", join(ground.media, "manifest.jsonl"), "--out", join(disk, "out")],
        ...["--protocol", "retrieval-middle-frame", "--threads", "1"],
      ],
    };
    for (const [name, line] of Object.entries(lines)) {
      const { code, output } = await run(line, ground);
      note(`${name} on a read-only disk`, code === 1 && /read-only/.test(output) && !isStack(output), output);
    }
  } finally {
    execFileSync("umount", [disk]);
  }
  return { results };
}
