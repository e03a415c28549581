import { countOf, isLinear } from "./layout.js";
import type { Lowered } from "./lower.js";
import { keyOf, type Operand, type PlanNode } from "./plan-node.js";

/** Nodes computed by one kernel (or, for some cores, one after the other): a core at most, and maps onto it. */
export type Group = { readonly members: readonly PlanNode[]; readonly core?: PlanNode };

export type Fused = {
  /** In running order. */
  readonly groups: readonly Group[];
  /** Maps computed where they are read. */
  readonly inlined: ReadonlySet<PlanNode>;
  /** Outputs that go to memory. */
  readonly stored: ReadonlySet<string>;
};

type Use = { readonly reader: PlanNode; readonly operand: number };

/** Reads memory in order, element for element of its own. */
const isSame = (reader: PlanNode, { node, output, layout }: Operand): boolean =>
  !reader.elsewhere &&
  reader.core === undefined &&
  output === 0 &&
  isLinear(layout) &&
  countOf(layout) === node.sizes[0] &&
  node.sizes[0] === reader.sizes[0];

const livingNodes = ({ nodes, outputs }: Lowered): PlanNode[] => {
  const living = new Set(outputs.map(({ node }) => node));
  for (const node of nodes.toReversed()) {
    if (living.has(node)) for (const { node: source } of node.operands) living.add(source);
  }
  return nodes.filter((node) => living.has(node));
};

/**
 * Most places in memory one kernel's inlined operands may lie at, most work done again for it, and most nodes in one kernel: drivers
 * take far longer over one long kernel than over several short ones. A model's training step has 20 in its longest.
 */
const limits = { leaves: 6, work: 16, members: 24 } as const;

/** Chooses the maps that are computed in their only reader, from the readers backward. */
const chooseInlined = (living: readonly PlanNode[], outputs: ReadonlySet<PlanNode>): Set<PlanNode> => {
  const uses = new Map<PlanNode, Use[]>();
  for (const reader of living) {
    for (const [operand, { node }] of reader.operands.entries()) {
      uses.set(node, [...(uses.get(node) ?? []), { reader, operand }]);
    }
  }
  const inlined = new Set<PlanNode>();
  const leaves = new Map<PlanNode, number>();
  const roots = new Map<PlanNode, { readonly root: PlanNode; readonly work: number }>();
  for (const node of living.toReversed()) {
    const own = uses.get(node) ?? [];
    if (node.emit === undefined || outputs.has(node) || own.length !== 1) continue;
    const [{ reader, operand }] = own;
    const { root, work } = roots.get(reader) ?? { root: reader, work: 0 };
    const together = work + node.cost * root.repeats * (reader.elsewhere && reader !== root ? reader.repeats : 1);
    const same = isSame(reader, reader.operands[operand]);
    const more = (leaves.get(root) ?? root.operands.length) + node.operands.length - 1;
    const often = reader.core === undefined && reader.sizes[0] > node.sizes[0] && node.cost > 2;
    if (reader.stored.includes(operand) || (same && !inlined.has(reader)) || often) continue;
    if ((more > limits.leaves || together > limits.work) && !(node.family === "window" && node.cost === 0)) continue;
    inlined.add(node);
    leaves.set(root, more);
    roots.set(node, { root, work: together });
  }
  return inlined;
};

/** Puts maps onto what they follow: groups grow while nothing outside lies between two members. */
class Grouping {
  private readonly groupOf = new Map<PlanNode, Set<PlanNode>>();
  /** What a node reads from memory that others make, and whether element for element. */
  private readonly sources = new Map<PlanNode, { readonly node: PlanNode; readonly same: boolean }[]>();

  /** Index of each group's last member, and of the first of those with several. */
  private readonly ends = new Map<ReadonlySet<PlanNode>, number>();
  private readonly wide = new Map<ReadonlySet<PlanNode>, number>();

  constructor(
    private readonly inlined: ReadonlySet<PlanNode>,
    private readonly most: number,
  ) {}

  private directSources(node: PlanNode, top: boolean): { node: PlanNode; same: boolean }[] {
    return node.operands.flatMap((operand) => {
      const { node: source } = operand;
      if (source.family === "memory") return [];
      if (this.inlined.has(source)) return this.directSources(source, false);
      return [{ node: source, same: top && isSame(node, operand) }];
    });
  }

  add(node: PlanNode): void {
    const sources = this.directSources(node, true);
    this.sources.set(node, sources);
    let union = new Set([node]);
    this.groupOf.set(node, union);
    this.ends.set(union, node.index);
    if (node.core !== undefined) return;
    const candidates = new Set(sources.filter(({ same }) => same).map((source) => this.groupOf.get(source.node)!));
    for (const group of candidates) {
      if (group.size + union.size > limits.members) continue;
      const both = new Set([...group, ...union]);
      if (this.fits(both)) union = both;
    }
    for (const member of union) {
      this.wide.delete(this.groupOf.get(member)!);
      this.groupOf.set(member, union);
    }
    this.ends.set(union, node.index);
    if (union.size > 1) this.wide.set(union, Math.min(...[...union].map(({ index }) => index)));
  }

  private fits(union: ReadonlySet<PlanNode>): boolean {
    const members = [...union];
    if (members.filter(({ core }) => core !== undefined).length > 1) return false;
    const outside = new Set<PlanNode>();
    const memory = new Set<string>();
    for (const member of members) {
      for (const { node, same } of this.sources.get(member)!) {
        if (!union.has(node)) outside.add(node);
        else if (!same) return false;
      }
      for (const { node, output } of member.operands) {
        // A known number is written into the kernel.
        const isNumber = node.constant !== undefined && node.sizes[output] === 1;
        if (!union.has(node) && !isNumber) memory.add(keyOf(node, output));
      }
    }
    return memory.size < this.most && !this.reaches(outside, union);
  }

  /**
   * Whether anything these nodes need is a member. Groups that end before the union begins are not looked into: they
   * need a member only through a group that reaches over its beginning, and those are looked into themselves.
   */
  private reaches(from: ReadonlySet<PlanNode>, union: ReadonlySet<PlanNode>): boolean {
    const begin = Math.min(...[...union].map(({ index }) => index));
    const seen = new Set<ReadonlySet<PlanNode>>();
    let isCut = false;
    const looks = (left: PlanNode[]): boolean => {
      for (let node = left.pop(); node !== undefined; node = left.pop()) {
        if (union.has(node)) return true;
        const group = this.groupOf.get(node)!;
        if (seen.has(group)) continue;
        seen.add(group);
        if (this.ends.get(group)! < begin) {
          isCut = true;
          continue;
        }
        // Members of a group run together: what one needs, all wait for.
        for (const member of group) for (const source of this.sources.get(member)!) left.push(source.node);
      }
      return false;
    };
    if (looks([...from])) return true;
    if (!isCut) return false;
    for (const [group, first] of this.wide) {
      if (first >= begin || this.ends.get(group)! < begin || seen.has(group)) continue;
      const [one] = group;
      if (!union.has(one) && looks([one])) return true;
    }
    return false;
  }

  /** Groups in an order in which each has what it needs. */
  ordered(nodes: readonly PlanNode[]): Group[] {
    const done = new Set<ReadonlySet<PlanNode>>();
    const order: Group[] = [];
    const visit = (group: ReadonlySet<PlanNode>): void => {
      if (done.has(group)) return;
      done.add(group);
      for (const member of group) for (const { node } of this.sources.get(member)!) visit(this.groupOf.get(node)!);
      const members = [...group].sort((a, b) => a.index - b.index);
      order.push({ members, core: members.find(({ core }) => core !== undefined) });
    };
    for (const node of nodes) {
      const group = this.groupOf.get(node)!;
      if (Math.max(...[...group].map(({ index }) => index)) === node.index) visit(group);
    }
    return order;
  }

  isInside(reader: PlanNode, node: PlanNode): boolean {
    return this.groupOf.get(reader) === this.groupOf.get(node);
  }
}

/**
 * Decides what is computed together.
 *
 * @param most places in memory one kernel may touch without binding whole buffers
 */
export function fuse(lowered: Lowered, most: number): Fused {
  const living = livingNodes(lowered);
  const outputs = new Set(lowered.outputs.map(({ node }) => node));
  const inlined = chooseInlined(living, outputs);
  const working = living.filter((node) => node.family !== "memory" && !inlined.has(node));
  const grouping = new Grouping(inlined, most);
  for (const node of working) grouping.add(node);
  const stored = new Set(lowered.outputs.map(({ node, output }) => keyOf(node, output)));
  const readers = (node: PlanNode, root: PlanNode): void => {
    for (const { node: source, output } of node.operands) {
      if (source.family === "memory") continue;
      if (inlined.has(source)) readers(source, root);
      else if (output > 0 || !grouping.isInside(root, source)) stored.add(keyOf(source, output));
    }
  };
  for (const node of working) readers(node, node);
  return { groups: grouping.ordered(working), inlined, stored };
}
