import { describe, expect, it } from "vitest";
import { canStart, runText } from "../../commands/ranks.test.support.js";

const gather = `
  const { startOpenMpi } = await import(openMpi);
  const { ranks, leave } = await startOpenMpi(process.env);
  const own = new Uint8Array(ranks.rank + 1).fill(ranks.rank + 7);
  const said = await ranks.allgather(own, new Uint8Array(4)).catch(({ message }) => message);
  const room = new Uint8Array(3);
  await ranks.allgather(own, room);
  console.log(said + "\\n" + ranks.rank + " has " + room.join());
  leave();
`;

describe.skipIf(!canStart)("ranks that MPI carries", () => {
  it("gather into a place that was made for it, and refuse one of another length on every rank, without waiting", async () => {
    const { code, out, output } = await runText(2, gather);
    expect(code, output).toBe(0);
    const refused =
      "MPI_Allgatherv: the ranks have 3 bytes between them, and this one made room for 4. Give every rank batches of the same shape";
    expect(out.trim().split("\n").sort()).toEqual(["0 has 7,8,8", "1 has 7,8,8", refused, refused]);
  });
});
