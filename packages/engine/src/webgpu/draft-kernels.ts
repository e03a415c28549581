import type { Fused, Group } from "./fuse.js";
import { mapKernel } from "./kernel-map.js";
import { WgslText } from "./kernel-text.js";
import { type CoreTools, type DeviceType, type Draft, keyOf, type PlanNode } from "./plan-node.js";

/** A kernel, with the group it came from. */
export type Kernel = Draft & { readonly group: Group };

/** Writes the kernels of all groups, in running order. */
export function draftKernels({ groups, inlined, stored }: Fused, firstScratch: number): Kernel[] {
  let scratches = firstScratch;
  const scratch = (size: number, type: DeviceType): PlanNode => ({
    ...{ index: scratches++, op: "scratch", family: "memory", sizes: [size], types: [type], operands: [] },
    ...{ stored: [], repeats: 1, elsewhere: false, cost: 0, source: -1 },
  });
  return groups.flatMap((group) => {
    const { members, core } = group;
    const label = members.map(({ op }) => op).join("+");
    const maps = members.filter((member) => member !== core);
    const finish: CoreTools["finish"] = (text, at, value) => {
      if (core !== undefined) text.define(core, 0, at, value);
      for (const member of maps) {
        const made = text.once(`member ${member.index} ${at}`, "v", () => member.emit!(text, at));
        text.define(member, 0, at, made);
      }
      for (const member of members) {
        if (stored.has(keyOf(member, 0))) text.write(member, 0, at, text.read(member, 0, at));
      }
    };
    const write = () => new WgslText(inlined, label);
    const drafts =
      core === undefined
        ? [mapKernel(write(), members[0].sizes[0], (text, at) => finish(text, at, ""))]
        : core.core!({ node: core, write, finish, scratch });
    return drafts.map((draft) => ({ ...draft, group }));
  });
}
