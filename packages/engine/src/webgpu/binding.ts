import type { Kernel } from "./draft-kernels.js";
import { type Area, aligned, type MemoryPlan, type Place } from "./memory-plan.js";
import { keyOf } from "./plan-node.js";

/** One binding of a kernel: a range of an area, or all of it. */
export type Binding = {
  readonly area: Area;
  readonly offset: number;
  readonly bytes: number | undefined;
  readonly writable: boolean;
};

/** A kernel whose memory is known: its whole text, and what to bind. */
export type BoundKernel = {
  readonly kernel: Kernel;
  readonly shader: Shader;
  readonly bindings: readonly Binding[];
  /** Workgroups along x and y. */
  readonly grid: readonly [number, number];
};

/** Most workgroups along one dimension, on every adapter. */
const acrossMost = 65535;

const element = { f32: "f32", i32: "i32", bool: "i32" } as const;
const nameOf = (area: Area): string =>
  "arena" in area ? `arena ${area.arena}` : "input" in area ? `input ${area.input}` : "constants";

/** What must not be bound for reading while some of it is bound for writing: all inputs may lie in one buffer. */
const regionOf = (area: Area): string => ("input" in area ? "inputs" : nameOf(area));

type Slot = {
  readonly place: Place;
  readonly type: keyof typeof element;
  readonly read: boolean;
  readonly written: boolean;
};

/** A shader with what it binds, in order, as far as a device must know. */
export type Shader = { readonly label: string; readonly code: string; readonly writable: readonly boolean[] };

/** `rN` and `wN` on binding `b`, whose elements may be of another type. */
const accessors = (
  index: number,
  { type, read, written }: Omit<Slot, "place">,
  binding: number,
  base: string,
  held: "f32" | "i32",
): string[] => {
  const at = base === "" ? "at" : `${base} + at`;
  const own = element[type];
  const inward = (code: string) => (own === held ? code : `bitcast<${own}>(${code})`);
  const outward = (code: string) => (own === held ? code : `bitcast<${held}>(${code})`);
  const truth = type === "bool";
  const value = `${inward(`b${binding}[${at}]`)}`;
  return [
    ...(read
      ? [`fn r${index}(at: u32) -> ${type === "bool" ? "bool" : own} { return ${truth ? `${value} != 0` : value}; }`]
      : []),
    ...(written
      ? [
          `fn w${index}(at: u32, v: ${truth ? "bool" : own}) { b${binding}[${at}] = ${outward(truth ? "select(0i, 1i, v)" : "v")}; }`,
        ]
      : []),
  ];
};

/** Outputs that share a place (one changed in place by the other) share a binding. */
const rangeKey = ({ area, offset }: Place): string => `${nameOf(area)} ${offset}`;

/**
 * Declares a kernel's memory: a binding per range where an adapter has enough of them, so that kernels alike have one
 * text; else whole areas, with offsets in the text.
 */
export function bindKernel(kernel: Kernel, plan: MemoryPlan, most: number): BoundKernel {
  const slots = kernel.text.touched.map(({ node, output, read, written }): Slot => {
    const place = plan.places.get(keyOf(node, output))!;
    return { place, type: node.types[output], read, written };
  });
  const ranges = new Set(slots.map(({ place }) => rangeKey(place)));
  const whole = ranges.size > most;
  const writtenRegions = new Set(slots.flatMap(({ place, written }) => (written ? [regionOf(place.area)] : [])));
  const keys: string[] = [];
  const bindings: Binding[] = [];
  const held: ("f32" | "i32")[] = [];
  const header: string[] = [];
  for (const [index, slot] of slots.entries()) {
    const { place } = slot;
    const isWhole = whole && !("input" in place.area);
    const key = isWhole ? nameOf(place.area) : rangeKey(place);
    let binding = keys.indexOf(key);
    if (binding < 0) {
      binding = keys.push(key) - 1;
      const writable = writtenRegions.has(regionOf(place.area));
      held.push(element[slot.type]);
      bindings.push({
        area: place.area,
        offset: isWhole ? 0 : place.offset,
        bytes: isWhole ? undefined : aligned(place.bytes),
        writable,
      });
    }
    header.push(...accessors(index, slot, binding, isWhole ? `${place.offset / 4}u` : "", held[binding]));
  }
  const declared = bindings.map(
    ({ writable }, binding) =>
      `@group(0) @binding(${binding}) var<storage, ${writable ? "read_write" : "read"}> b${binding}: array<${held[binding]}>;`,
  );
  const { workgroups, workgroupSize, text } = kernel;
  const across = Math.min(workgroups, acrossMost);
  const down = Math.ceil(workgroups / acrossMost);
  const numbers = [...text.numbers].map(([name, value]) => `const ${name} = ${value}u;`);
  const group = `fn groupOf(g: vec3u) -> u32 { return ${down > 1 ? `g.y * ${across}u + g.x` : "g.x"}; }`;
  const code = text.directives() + [...declared, ...header, ...numbers, group, text.body(workgroupSize)].join("\n");
  const shader = { label: text.label, code, writable: bindings.map(({ writable }) => writable) };
  return { kernel, shader, bindings, grid: [across, down] };
}

/** Kernels of one body in one dispatch, with the places each touches. */
export type BoundBatch = { readonly batch: readonly Kernel[]; readonly places: readonly (readonly Place[])[] };

export const bindBatch = (batch: readonly Kernel[], plan: MemoryPlan): BoundBatch => ({
  batch,
  places: batch.map(({ text }) => text.touched.map(({ node, output }) => plan.places.get(keyOf(node, output))!)),
});

/** Workgroups of several kernels, along x and y. */
export const gridOf = (kernels: readonly Kernel[]): readonly [number, number] => {
  const all = kernels.reduce((sum, { workgroups }) => sum + workgroups, 0);
  return [Math.min(all, acrossMost), Math.ceil(all / acrossMost)];
};

/** Words of a kernel's row in the table: its first workgroup, where its memory begins, its sizes. */
const rowOf = ({ text }: Kernel): number => 1 + text.touched.length + text.numbers.size;

/** One row for each kernel. @param offsets in elements, of everything a kernel touches */
export function tableOf(kernels: readonly Kernel[], offsets: readonly (readonly number[])[]): Uint32Array<ArrayBuffer> {
  const width = rowOf(kernels[0]);
  const table = new Uint32Array(kernels.length * width);
  let first = 0;
  for (const [index, { text, workgroups }] of kernels.entries()) {
    table.set([first, ...offsets[index], ...text.numbers.values()], index * width);
    first += workgroups;
  }
  return table;
}

/**
 * The shader of a batch: each workgroup looks up whose it is, and where that kernel's memory begins.
 *
 * @param bindings which binding each thing touched is on; the table is the one after
 */
export function batchShader(kernels: readonly Kernel[], bindings: readonly number[]): Shader {
  const [{ text, workgroupSize }] = kernels;
  const [across] = gridOf(kernels);
  const count = Math.max(...bindings) + 1;
  const writable = Array.from({ length: count }, (_, binding) =>
    text.touched.some(({ written }, slot) => written && bindings[slot] === binding),
  );
  const held = writable.map((_, binding) => {
    const { node, output } = text.touched[bindings.indexOf(binding)];
    return element[node.types[output]];
  });
  const width = rowOf(kernels[0]);
  const names = [...text.touched.map((_, slot) => `o${slot}`), ...text.numbers.keys()];
  const code =
    text.directives() +
    [
      ...writable.map(
        (isWritten, binding) =>
          `@group(0) @binding(${binding}) var<storage, ${isWritten ? "read_write" : "read"}> b${binding}: array<${held[binding]}>;`,
      ),
      `@group(0) @binding(${count}) var<storage, read> table: array<u32>;`,
      ...names.map((name) => `var<private> ${name}: u32;`),
      ...text.touched.flatMap(({ node, output, read, written }, slot) =>
        accessors(slot, { type: node.types[output], read, written }, bindings[slot], `o${slot}`, held[bindings[slot]]),
      ),
      "fn groupOf(g: vec3u) -> u32 {",
      `  let all = g.y * ${across}u + g.x;`,
      `  var low = 0u; var high = ${kernels.length}u;`,
      "  while (high - low > 1u) {",
      `    let middle = (low + high) / 2u; if (table[middle * ${width}u] <= all) { low = middle; } else { high = middle; }`,
      "  }",
      ...names.map((name, at) => `  ${name} = table[low * ${width}u + ${at + 1}u];`),
      `  return all - table[low * ${width}u];`,
      "}",
      text.body(workgroupSize),
    ].join("\n");
  return { label: text.label, code, writable: [...writable, false] };
}
