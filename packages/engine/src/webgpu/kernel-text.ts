import { coalesce, type Layout } from "./layout.js";
import { type DeviceType, type KernelText, keyOf, type Operand, type PlanNode, type Touched } from "./plan-node.js";
import { type Prelude, preludeText } from "./prelude.js";

const wgslType = { f32: "f32", i32: "i32", bool: "bool" } as const;

/** An unsigned number in WGSL; negative strides wrap around, as unsigned arithmetic does. */
const unsigned = (value: number): string => `${value < 0 ? value + 2 ** 32 : value}u`;

/** A number as WGSL writes it. What has no literal there comes from bits that no compiler sees through. */
export function literal(value: number, type: DeviceType): string {
  if (type === "bool") return value === 0 ? "false" : "true";
  if (type === "i32") return value === -(2 ** 31) ? "i32(-2147483647 - 1)" : `${value}i`;
  if (Number.isNaN(value)) return "bitcast<f32>(nanBits)";
  if (!Number.isFinite(value)) return value > 0 ? "bitcast<f32>(infinityBits)" : "-bitcast<f32>(infinityBits)";
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) return literal(rounded, type);
  const digits = String(rounded);
  return /[.e]/.test(digits) ? `${digits}f` : `${digits}.0f`;
}

/** A kernel's text in WGSL. */
export class WgslText implements KernelText {
  readonly touched: Touched[] = [];
  readonly shared: string[] = [];
  readonly numbers = new Map<string, number>();
  private readonly lines: string[] = [];
  private readonly begin = new Set<string>();
  private readonly preludes = new Set<Prelude>();
  private readonly scopes: Map<string, string>[] = [new Map()];
  private names = 0;

  constructor(
    private readonly inlined: ReadonlySet<PlanNode>,
    readonly label: string,
  ) {}

  line(code: string): void {
    this.lines.push(code);
  }

  fresh(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  number(name: string, value: number): string {
    this.numbers.set(name, value);
    return name;
  }

  need(prelude: Prelude): void {
    this.preludes.add(prelude);
  }

  directive(...lines: readonly string[]): void {
    for (const line of lines) this.begin.add(line);
  }

  directives(): string {
    return [...this.begin].map((line) => `${line};\n`).join("");
  }

  private known(key: string): string | undefined {
    return this.scopes.findLast((scope) => scope.has(key))?.get(key);
  }

  once(key: string, prefix: string, expression: () => string): string {
    const found = this.known(key);
    if (found !== undefined) return found;
    const code = expression();
    const name = this.fresh(prefix);
    this.line(`let ${name} = ${code};`);
    this.scopes[this.scopes.length - 1].set(key, name);
    return name;
  }

  block(header: string, body: () => void): void {
    this.line(`${header} {`);
    this.scopes.push(new Map());
    body();
    this.scopes.pop();
    this.line("}");
  }

  address(layout: Layout, at: string): string {
    const factors = coalesce(layout.axes.flat());
    // A tensor of one element is asked for its first.
    if (layout.offset === 0 && (factors.length === 0 || (factors.length === 1 && factors[0].stride === 1))) return at;
    return this.once(`address ${JSON.stringify([factors, layout.offset])} ${at}`, "a", () => {
      const terms: string[] = layout.offset === 0 ? [] : [unsigned(layout.offset)];
      let divisor = 1;
      for (const [index, { size, stride }] of factors.toReversed().entries()) {
        const quotient = divisor === 1 ? at : `${at} / ${divisor}u`;
        const outermost = index === factors.length - 1;
        const place = outermost ? quotient : `${divisor === 1 ? quotient : `(${quotient})`} % ${size}u`;
        if (stride !== 0) terms.push(stride === 1 ? `(${place})` : `(${place}) * ${unsigned(stride)}`);
        divisor *= size;
      }
      return terms.length === 0 ? "0u" : terms.join(" + ");
    });
  }

  private touch(node: PlanNode, output: number): number {
    const found = this.touched.findIndex((one) => one.node === node && one.output === output);
    if (found >= 0) return found;
    this.touched.push({ node, output, written: false, read: false, places: new Set() });
    return this.touched.length - 1;
  }

  read(node: PlanNode, output: number, place: string): string {
    const type = node.types[output];
    if (node.constant !== undefined && node.sizes[output] === 1) return literal(Number(node.constant.data[0]), type);
    const { emit } = node;
    return this.once(`value ${keyOf(node, output)} ${place}`, "v", () => {
      if (emit !== undefined && this.inlined.has(node)) return emit(this, place);
      const slot = this.touch(node, output);
      this.touched[slot].read = true;
      this.touched[slot].places.add(place);
      return `r${slot}(${place})`;
    });
  }

  operand({ node, output, layout }: Operand, at: string): string {
    return this.read(node, output, this.address(layout, at));
  }

  define(node: PlanNode, output: number, at: string, value: string): void {
    this.scopes[this.scopes.length - 1].set(`value ${keyOf(node, output)} ${at}`, value);
  }

  write(node: PlanNode, output: number, at: string, value: string): void {
    const slot = this.touch(node, output);
    this.touched[slot].written = true;
    this.touched[slot].places.add(at);
    this.line(`w${slot}(${at}, ${value});`);
  }

  body(workgroupSize: number): string {
    return [
      preludeText(this.preludes),
      ...this.shared,
      `@compute @workgroup_size(${workgroupSize})`,
      "fn main(@builtin(workgroup_id) group3: vec3u, @builtin(local_invocation_index) thread: u32) {",
      ...this.lines,
      "}",
    ].join("\n");
  }
}

/** The WGSL type of a value in a register. */
export const registerType = (type: DeviceType): string => wgslType[type];
