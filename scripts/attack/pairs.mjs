/** Pairs: the same command twice at once on one folder. One writes, the other is told who does; what stands is whole. */
import { join } from "node:path";
import { remove, run } from "./ground.mjs";

export async function runPairs(ground, { rounds, say }) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    for (const [name, { args, equal }] of Object.entries(ground.commands)) {
      const out = join(ground.folder, `pair-${name}-${round}`);
      const both = await Promise.all([0, 1].map(() => run(args(out), ground)));
      const codes = both.map(({ code }) => code).sort();
      const told = both.some(
        ({ code, output }) => code === 1 && /another run is writing in it \(process \d+ on /.test(output),
      );
      const found = await equal(out).then(JSON.stringify, (error) => error.message);
      // They may also have come one after the other.
      const held = (codes[0] === 0 && codes[1] === 0) || (codes[0] === 0 && codes[1] === 1 && told);
      const same = found === ground.undisturbed[name];
      results.push({
        name,
        codes,
        told,
        held: held && same,
        ...(held && same ? {} : { outputs: both.map(({ output }) => output.slice(-500)) }),
      });
      if (held && same) await remove(out);
      say(`pairs ${results.length}, held ${results.filter((one) => one.held).length}`);
    }
  }
  return results;
}
