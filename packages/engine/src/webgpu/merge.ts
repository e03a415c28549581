import type { Kernel } from "./draft-kernels.js";
import { bytesOf, keyOf } from "./plan-node.js";

/** Kernels of one body that run as one dispatch; most are alone. */
export type KernelBatch = readonly Kernel[];

/** What a kernel reads may be kept waiting for it up to this size, unless something later needs it anyway. */
const patience = 2 ** 21;

/** Kernels alike: one body, memory of the same types in the same roles. */
const classOf = ({ text, workgroupSize }: Kernel): string => {
  const roles = text.touched.map(
    ({ node, output, read, written }) => `${node.types[output]}${read ? "r" : ""}${written ? "w" : ""}`,
  );
  return [text.body(workgroupSize), ...text.numbers.keys(), ...roles].join("\n");
};

const isMade = ({ node }: Kernel["text"]["touched"][number]): boolean =>
  node.port === undefined && node.constant === undefined;

/** Waits until somebody needs what is waiting: then all of a class run at once. */
class Waiting {
  readonly order: KernelBatch[] = [];
  private readonly classes = new Map<string, Kernel[]>();
  /** Which class makes what, of those that wait. */
  private readonly makers = new Map<string, string>();
  /** Classes that must run before a class. */
  private readonly needs = new Map<string, Set<string>>();

  private makersOf(kernel: Kernel): Set<string> {
    const found = kernel.text.touched.flatMap(({ node, output }) => this.makers.get(keyOf(node, output)) ?? []);
    return new Set(found);
  }

  private run(name: string): void {
    const kernels = this.classes.get(name);
    if (kernels === undefined) return;
    this.classes.delete(name);
    for (const other of this.needs.get(name) ?? []) this.run(other);
    this.needs.delete(name);
    for (const others of this.needs.values()) others.delete(name);
    for (const [key, maker] of [...this.makers]) if (maker === name) this.makers.delete(key);
    this.order.push(kernels);
  }

  now(kernel: Kernel): void {
    for (const name of this.makersOf(kernel)) this.run(name);
    this.order.push([kernel]);
  }

  later(kernel: Kernel, name: string): void {
    const before = () => {
      const direct = this.makersOf(kernel);
      return new Set([...direct].flatMap((one) => [one, ...(this.needs.get(one) ?? [])]));
    };
    // What needs one of its own class cannot run with it.
    if (before().has(name)) this.run(name);
    const needed = before();
    this.classes.set(name, [...(this.classes.get(name) ?? []), kernel]);
    this.needs.set(name, new Set([...(this.needs.get(name) ?? []), ...needed]));
    for (const others of this.needs.values()) if (others.has(name)) for (const one of needed) others.add(one);
    for (const { node, output, written } of kernel.text.touched) {
      if (written) this.makers.set(keyOf(node, output), name);
    }
  }

  end(): readonly KernelBatch[] {
    for (const name of [...this.classes.keys()]) this.run(name);
    return this.order;
  }
}

/**
 * Puts kernels alike together where nothing between them needs what they make: the updates of all parameters, the last
 * passes of many sums. A dispatch costs microseconds whatever it does.
 */
export function mergeKernels(kernels: readonly Kernel[]): readonly KernelBatch[] {
  const names = kernels.map(classOf);
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const lastUse = new Map<string, number>();
  for (const [at, { text }] of kernels.entries()) {
    for (const { node, output } of text.touched) lastUse.set(keyOf(node, output), at);
  }
  // After the last core only updates follow: nothing large is kept waiting by them.
  const tail = kernels.findLastIndex(({ group }) => group.core !== undefined) + 1;
  const waiting = new Waiting();
  for (const [at, kernel] of kernels.entries()) {
    const canWait = kernel.text.touched.every((one) => {
      const { node, output, read, written } = one;
      if (at >= tail || !isMade(one) || (written && !read)) return true;
      return bytesOf(node, output) <= patience || lastUse.get(keyOf(node, output))! > at;
    });
    if (canWait && counts.get(names[at])! > 1 && kernel.workgroups > 0) waiting.later(kernel, names[at]);
    else waiting.now(kernel);
  }
  return waiting.end();
}
