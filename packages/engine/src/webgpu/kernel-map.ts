import type { Draft, KernelText } from "./plan-node.js";

const workgroupSize = 64;

/** One thread per element: everything happens in `finish`. */
export function mapKernel(text: KernelText, count: number, finish: (text: KernelText, at: string) => void): Draft {
  const elements = text.number("elements", count);
  text.line(`let i = groupOf(group3) * ${workgroupSize}u + thread;`);
  text.block(`if (i < ${elements})`, () => finish(text, "i"));
  return { text, workgroupSize, workgroups: Math.ceil(count / workgroupSize), flops: count };
}
