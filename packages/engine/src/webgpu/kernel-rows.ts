import { agree, combinations } from "./kernel-reduce.js";
import { literal } from "./kernel-text.js";
import { axesOf, countOf, type Layout, rowMajor, shapeOf } from "./layout.js";
import type { Core, KernelText, Operand } from "./plan-node.js";

/** A row of an operand, one workgroup on it: where it lies, and where its results go. */
type Row = {
  readonly text: KernelText;
  readonly count: number;
  readonly rows: number;
  readonly threads: number;
  /** The value in a column. */
  readonly value: (column: string) => string;
  /** The linear index of a column in the result. */
  readonly at: (column: string) => string;
  /** A loop over this thread's columns, `c`. */
  readonly each: (body: () => void) => void;
};

const others = (layout: Layout, axis: number): number[] => layout.axes.flatMap((_, at) => (at === axis ? [] : [at]));

const startRow = (text: KernelText, source: Operand, axis: number): Row => {
  const { layout } = source;
  const result = rowMajor(shapeOf(layout));
  const [kept, along] = [axesOf(layout, others(layout, axis)), axesOf(layout, [axis])];
  const [keptResult, alongResult] = [axesOf(result, others(layout, axis)), axesOf(result, [axis])];
  const [rows, count] = [countOf(kept), countOf(along)];
  const threads = count > 512 ? 256 : 64;
  text.line("let group = groupOf(group3);");
  text.line(`let row = min(group, ${rows - 1}u);`);
  text.line(`let base = ${text.address(kept, "row")} + ${layout.offset}u;`);
  text.line(`let rowStart = ${text.address(keptResult, "row")};`);
  return {
    ...{ text, count, rows, threads },
    value: (column) =>
      text.read(
        source.node,
        source.output,
        text.once(`place ${column}`, "p", () => `base + ${text.address(along, column)}`),
      ),
    at: (column) => text.once(`at ${column}`, "p", () => `rowStart + ${text.address(alongResult, column)}`),
    each: (body) => text.block(`for (var c = thread; c < ${count}u; c += ${threads}u)`, body),
  };
};

const draft = ({ text, threads, rows, count }: Row, passes: number) => ({
  ...{ text, workgroupSize: threads, workgroups: rows, flops: passes * rows * count },
});

/** exp(x − max) / Σ exp(x − max) along an axis, or its logarithm; maximum and sum in one pass. */
export const softmaxCore =
  (source: Operand, axis: number, logarithm: boolean): Core =>
  ({ write, finish }) => {
    const text = write();
    const row = startRow(text, source, axis);
    text.line(`var high = ${literal(-3.4e38, "f32")}; var sum = 0.0;`);
    row.each(() => {
      text.line(`let x = ${row.value("c")}; let higher = larger(high, x);`);
      text.line("sum = sum * exp(high - higher) + exp(x - higher); high = higher;");
    });
    text.need("larger");
    const top = agree(text, row.threads, combinations.largest, "high", "f32");
    const total = agree(text, row.threads, combinations.sum, `sum * exp(high - ${top})`, "f32");
    text.need("log");
    text.need("isInfinite");
    // ∞ − ∞ is no number, and neither is anything in its row; `exp` of it may be one.
    text.line(`let all = select(${total}, bitcast<f32>(nanBits), isInfinite(${top}));`);
    text.line(`let scale = ${logarithm ? "logOf(all)" : "1.0 / all"};`);
    text.block(`if (group < ${row.rows}u)`, () =>
      row.each(() => {
        const x = row.value("c");
        text.line(`let y = ${logarithm ? `${x} - ${top} - scale` : `exp(${x} - ${top}) * scale`};`);
        finish(text, row.at("c"), "y");
      }),
    );
    return [draft(row, 8)];
  };

/** Layer normalisation over the last axis: y, and of each row its mean and the inverse of its deviation. */
export const layerNormCore =
  ([source, gain, bias]: readonly [Operand, Operand, Operand], epsilon: number): Core =>
  ({ node, write, finish }) => {
    const text = write();
    const row = startRow(text, source, source.layout.axes.length - 1);
    const size = literal(row.count, "f32");
    text.line("var sum = 0.0;");
    row.each(() => text.line(`sum += ${row.value("c")};`));
    text.line(`let center = ${agree(text, row.threads, combinations.sum, "sum", "f32")} / ${size};`);
    text.line("var squares = 0.0;");
    row.each(() => text.line(`let d = ${row.value("c")} - center; squares += d * d;`));
    const squares = agree(text, row.threads, combinations.sum, "squares", "f32");
    text.line(`let inverse = 1.0 / sqrt(${squares} / ${size} + ${literal(epsilon, "f32")});`);
    text.block(`if (group < ${row.rows}u)`, () => {
      row.each(() => {
        const [x, g, b] = [row.value("c"), text.operand(gain, "c"), text.operand(bias, "c")];
        text.line(`let y = (${x} - center) * inverse * ${g} + ${b};`);
        finish(text, row.at("c"), "y");
      });
      text.block("if (thread == 0u)", () => {
        text.write(node, 1, "group", "center");
        text.write(node, 2, "group", "inverse");
      });
    });
    return [draft(row, 8)];
  };

/** One thread per row, which goes along it: for operations that are rare or short. */
const alone = (text: KernelText, source: Operand, axis: number, body: (row: Row) => void) => {
  const { layout } = source;
  const [kept, along] = [axesOf(layout, others(layout, axis)), axesOf(layout, [axis])];
  const [rows, count] = [countOf(kept), countOf(along)];
  text.line("let row = groupOf(group3) * 64u + thread;");
  text.block(`if (row < ${rows}u)`, () => {
    text.line(`let base = ${text.address(kept, "row")} + ${layout.offset}u;`);
    const value = (column: string) =>
      text.read(
        source.node,
        source.output,
        text.once(`place ${column}`, "p", () => `base + ${text.address(along, column)}`),
      );
    body({ text, count, rows, threads: 64, value, at: (column) => column, each: () => undefined });
  });
  return { text, workgroupSize: 64, workgroups: Math.ceil(rows / 64), flops: rows * count };
};

/** Where along an axis the largest (or smallest) value stands, the first of equals. */
export const extremeCore =
  (source: Operand, axis: number, largest: boolean): Core =>
  ({ write, finish }) => {
    const text = write();
    const one = alone(text, source, axis, (row) => {
      text.line(`var best = ${row.value("0u")}; var found = 0;`);
      text.block(`for (var c = 1u; c < ${row.count}u; c += 1u)`, () => {
        const x = row.value("c");
        text.line(`if (${x} ${largest ? ">" : "<"} best) { best = ${x}; found = i32(c); }`);
      });
      text.line("let result = found;");
      finish(text, "row", "result");
    });
    return [one];
  };

/** Running sums along an axis, each with its own value or without, from either end. */
export const runningSumCore =
  (
    source: Operand,
    axis: number,
    { exclusive, reverse }: { readonly exclusive: boolean; readonly reverse: boolean },
  ): Core =>
  ({ write, finish }) => {
    const text = write();
    const result = rowMajor(shapeOf(source.layout));
    const one = alone(text, source, axis, (row) => {
      text.line(`let rowStart = ${text.address(axesOf(result, others(result, axis)), "row")};`);
      text.line(`var sum = ${literal(0, source.node.types[source.output])};`);
      text.block(`for (var r = 0u; r < ${row.count}u; r += 1u)`, () => {
        text.line(`let c = ${reverse ? `${row.count - 1}u - r` : "r"};`);
        text.line(`let before = sum; sum += ${row.value("c")};`);
        text.line(
          `let at = rowStart + ${text.address(axesOf(result, [axis]), "c")}; let now = ${exclusive ? "before" : "sum"};`,
        );
        finish(text, "at", "now");
      });
    });
    return [one];
  };

/** The k largest along the last axis in falling order, equals by position, and where they stood. */
export const largestCore =
  (source: Operand, k: number): Core =>
  ({ node, write, finish }) => {
    const text = write();
    const axis = source.layout.axes.length - 1;
    const type = source.node.types[source.output];
    const bits = (value: string) => (type === "f32" ? `orderOf(${value})` : value);
    if (type === "f32") text.need("order");
    const one = alone(text, source, axis, (row) => {
      text.line("var lastValue = 2147483647; var lastPlace = -1;");
      text.block(`for (var n = 0u; n < ${k}u; n += 1u)`, () => {
        text.line("var best = -2147483647 - 1; var found = -1;");
        text.block(`for (var c = 0u; c < ${row.count}u; c += 1u)`, () => {
          text.line(`let x = ${bits(row.value("c"))}; let i = i32(c);`);
          text.line("let open = x < lastValue || (x == lastValue && i > lastPlace);");
          text.line("if (open && (found < 0 || x > best)) { best = x; found = i; }");
        });
        text.line("lastValue = best; lastPlace = found;");
        text.line(`let chosen = u32(found); let at = row * ${k}u + n;`);
        text.line(`let value = ${row.value("chosen")};`);
        text.write(node, 1, "at", "found");
        finish(text, "at", "value");
      });
    });
    return [one];
  };

/** The gradient of a layer norm to its input: inverse · (s − mean(s) − unit · mean(s · unit)), s = dy · gain. */
export const layerNormGradientCore =
  ([source, gain, mean, inverse, dy]: readonly Operand[]): Core =>
  ({ write, finish }) => {
    const text = write();
    const row = startRow(text, source, source.layout.axes.length - 1);
    const size = literal(row.count, "f32");
    text.line(`let center = ${text.operand(mean, "row")}; let scale = ${text.operand(inverse, "row")};`);
    const parts = (column: string): readonly [slope: string, unit: string] => {
      const [x, g] = [row.value(column), text.operand(gain, column)];
      const slope = text.once(`slope ${column}`, "s", () => `${text.operand(dy, row.at(column))} * ${g}`);
      return [slope, text.once(`unit ${column}`, "u", () => `(${x} - center) * scale`)];
    };
    text.line("var sum = 0.0; var along = 0.0;");
    row.each(() => {
      const [slope, unit] = parts("c");
      text.line(`sum += ${slope}; along += ${slope} * ${unit};`);
    });
    const plain = `${agree(text, row.threads, combinations.sum, "sum", "f32")} / ${size}`;
    const tilted = `${agree(text, row.threads, combinations.sum, "along", "f32")} / ${size}`;
    text.line(`let level = ${plain}; let tilt = ${tilted};`);
    text.block(`if (group < ${row.rows}u)`, () =>
      row.each(() => {
        const [slope, unit] = parts("c");
        text.line(`let y = scale * (${slope} - level - ${unit} * tilt);`);
        finish(text, row.at("c"), "y");
      }),
    );
    return [draft(row, 8)];
  };
