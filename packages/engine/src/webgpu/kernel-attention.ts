import {
  accumulate,
  along,
  begin,
  beyond,
  declareSums,
  draft,
  eachRow,
  element,
  give,
  matrixAt,
  put,
  quadsFor,
  scores,
  sumOf,
  together,
} from "./attention-tiles.js";
import { literal } from "./kernel-text.js";
import { shapeOfOperand } from "./lowering.js";
import type { Core, Operand } from "./plan-node.js";

/**
 * softmax(q kᵀ) v `[G, N, e]` of q `[G, N, d]`, k `[G, M, d]`, v `[G, M, e]`; second output: the logarithm of every row's
 * sum of exponentials `[G, N]`.
 */
export const attentionCore =
  ([queries, keys, values]: readonly Operand[], half: boolean): Core =>
  ({ node, write, finish }) => {
    const [G, N, d] = shapeOfOperand(queries);
    const text = write();
    const work = begin(text, half, G, N);
    const [q, k, v] = [queries, keys, values].map((operand) => matrixAt(text, operand));
    const lowest = `vec4f(${literal(-3.4e38, "f32")})`;
    text.line(`var high = ${lowest}; var sum = vec4f();`);
    declareSums(work, "mixed", v.columns);
    along(work, k.rows, () => {
      scores(work, "score", q, k);
      beyond(work, k.rows, "score", lowest);
      const largest = "max(max(score[0], score[1]), max(score[2], score[3]))";
      together(work, "higher", "high", largest, (a, b) => `max(${a}, ${b})`);
      text.line("let fade = exp(high - higher); high = higher;");
      for (let j = 0; j < 4; j++) text.line(`score[${j}] = exp(score[${j}] - high);`);
      beyond(work, k.rows, "score", "vec4f()");
      text.line("sum = sum * fade + score[0] + score[1] + score[2] + score[3];");
      for (let l = 0; l < quadsFor(v.columns); l++) {
        for (let j = 0; j < 4; j++) text.line(`mixed[${l}][${j}] *= fade;`);
      }
      give(work, "score");
      accumulate(work, "mixed", v);
    });
    together(work, "total", "vec4f()", "sum", sumOf);
    text.block("if (tx == 0u)", () =>
      eachRow(work, N, () => text.write(node, 1, `stack * ${N}u + row`, "high[i] + log(total[i])")),
    );
    put(work, N, v.columns, (value) => `${value} / total[i]`, "mixed", finish);
    return [draft(work, 2 * G * N * k.rows * (d + v.columns))];
  };

/**
 * Gradient to the queries `[G, N, d]`, and of every row Σ dy · y `[G, N]`. With P the weights, made again, the scores' is
 * P ∘ (dy vᵀ − Σ dy · y).
 *
 * @param operands q, k, v, y, dy, and the second output of {@link attentionCore}
 */
export const queriesGradientCore =
  ([queries, keys, values, made, slopes, sums]: readonly Operand[], half: boolean): Core =>
  ({ node, write, finish }) => {
    const [G, N, d] = shapeOfOperand(queries);
    const text = write();
    const work = begin(text, half, G, N);
    const [q, k, v, y, dy] = [queries, keys, values, made, slopes].map((operand) => matrixAt(text, operand));
    text.line("var own = vec4f(); var whole = vec4f();");
    text.block("for (var i = 0u; i < 4u; i += 1u)", () => {
      text.line("let row = row0 + ty * 4u + i;");
      text.block(`if (row < ${N}u)`, () => {
        text.line(`whole[i] = ${text.operand(sums, `stack * ${N}u + row`)};`);
        text.block(`for (var column = tx; column < ${v.columns}u; column += 8u)`, () =>
          text.line(`own[i] += ${element(text, dy, "row", "column")} * ${element(text, y, "row", "column")};`),
        );
      });
    });
    together(work, "level", "vec4f()", "own", sumOf);
    text.block("if (tx == 0u)", () => eachRow(work, N, () => text.write(node, 1, `stack * ${N}u + row`, "level[i]")));
    declareSums(work, "gradient", d);
    along(work, k.rows, () => {
      scores(work, "score", q, k);
      scores(work, "change", dy, v);
      for (let j = 0; j < 4; j++) text.line(`score[${j}] = exp(score[${j}] - whole) * (change[${j}] - level);`);
      beyond(work, k.rows, "score", "vec4f()");
      give(work, "score");
      accumulate(work, "gradient", k);
    });
    put(work, N, d, (value) => value, "gradient", finish);
    return [draft(work, 2 * G * N * k.rows * (2 * d + v.columns))];
  };

/**
 * Gradients to the keys `[G, M, d]` and to the values `[G, M, e]`.
 *
 * @param operands q, k, v, dy, and the second outputs of {@link attentionCore} and {@link queriesGradientCore}
 */
export const keysGradientCore =
  ([queries, keys, values, slopes, sums, levels]: readonly Operand[], half: boolean): Core =>
  ({ node, write, finish }) => {
    const [G, M, d] = shapeOfOperand(keys);
    const text = write();
    const work = begin(text, half, G, M);
    const [q, k, v, dy] = [queries, keys, values, slopes].map((operand) => matrixAt(text, operand));
    const N = q.rows;
    declareSums(work, "forKeys", d);
    declareSums(work, "forValues", v.columns);
    along(work, N, () => {
      scores(work, "score", k, q);
      scores(work, "change", v, dy);
      text.block("for (var j = 0u; j < 4u; j += 1u)", () => {
        text.line("let column = column0 + tx * 4u + j; var weight = vec4f(); var slope = vec4f();");
        text.block(`if (column < ${N}u)`, () => {
          text.line(`let at = stack * ${N}u + column;`);
          text.line(`weight = exp(score[j] - ${text.operand(sums, "at")});`);
          text.line(`slope = weight * (change[j] - ${text.operand(levels, "at")});`);
        });
        text.line("score[j] = weight; change[j] = slope;");
      });
      give(work, "score");
      accumulate(work, "forValues", dy);
      give(work, "change");
      accumulate(work, "forKeys", q);
    });
    put(work, M, d, (value) => value, "forKeys", finish);
    put(
      work,
      M,
      v.columns,
      (value) => value,
      "forValues",
      (text, at, value) => text.write(node, 1, at, value),
    );
    return [draft(work, 4 * G * N * M * (d + v.columns))];
  };
