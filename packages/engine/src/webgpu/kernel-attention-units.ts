import { element, matrixAt } from "./attention-tiles.js";
import {
  across,
  alongUnits,
  barrier,
  beginUnits,
  declareOther,
  declareStrip,
  draftUnits,
  eachScore,
  ofRow,
  ownRows,
  putOfRow,
  putStrips,
} from "./attention-units.js";
import { literal } from "./kernel-text.js";
import { shapeOfOperand } from "./lowering.js";
import type { MatrixUnits } from "./matrix-units.js";
import type { Core, Operand } from "./plan-node.js";

/**
 * `attentionCore` on matrix units, whose sums cannot be scaled by row: the keys are gone along twice, first for every
 * row's largest score and sum, then for the result.
 */
export const unitsAttentionCore =
  ([queries, keys, values]: readonly Operand[], units: MatrixUnits): Core =>
  ({ node, write, finish }) => {
    const [G, N, d] = shapeOfOperand(queries);
    const text = write();
    const work = beginUnits(text, units, G, N);
    const [q, k, v] = [queries, keys, values].map((operand) => matrixAt(text, operand));
    const own = ownRows(work, "qTile", q);
    const [ofKeys, ofValues] = [declareOther(work, "kTile", k), declareOther(work, "vTile", v)];
    text.shared.push(`var<workgroup> totals: array<f32, ${work.rows}>;`);
    text.line(`var high = ${literal(-3.4e38, "f32")}; var sum = 0.0f;`);
    alongUnits(work, k.rows, () => {
      ofKeys.stage();
      barrier(work);
      ofKeys.scores(own);
      barrier(work);
      text.line("var higher = high;");
      eachScore(work, k.rows, ({ index, value, within }) => {
        text.line(`let s${index} = ${within(value, literal(-3.4e38, "f32"))};`);
        text.line(`higher = max(higher, s${index});`);
      });
      text.line("sum *= exp(high - higher); high = higher;");
      // Beyond the last column this is zero: every thread has had a score within.
      eachScore(work, k.rows, ({ index }) => text.line(`sum += exp(s${index} - high);`));
    });
    ofRow(work, "vec2f(high, sum)", (parts) => {
      text.line(`let top = ${parts.slice(1).reduce((all, part) => `max(${all}, ${part}.x)`, `${parts[0]}.x`)};`);
      text.line(`let total = ${parts.map((part) => `${part}.y * exp(${part}.x - top)`).join(" + ")};`);
    });
    text.line("if (part == 0u) { totals[own] = total; }");
    putOfRow(work, N, (at) => text.write(node, 1, at, "top + log(total)"));
    const mixed = declareStrip(work, v.columns);
    alongUnits(work, k.rows, () => {
      ofKeys.stage();
      ofValues.stage();
      barrier(work);
      ofKeys.scores(own);
      barrier(work);
      eachScore(work, k.rows, ({ value, within, give }) => give(within(`exp(${value} - top)`, "0.0f")));
      barrier(work);
      ofValues.accumulate(mixed);
      barrier(work);
    });
    putStrips(work, N, v.columns, mixed, (sum, row) => `${sum} / totals[${row}]`, finish);
    return [draftUnits(work, 2 * G * N * k.rows * (2 * d + v.columns))];
  };

/** `queriesGradientCore` on matrix units. */
export const unitsQueriesGradientCore =
  ([queries, keys, values, made, slopes, sums]: readonly Operand[], units: MatrixUnits): Core =>
  ({ node, write, finish }) => {
    const [G, N, d] = shapeOfOperand(queries);
    const text = write();
    const work = beginUnits(text, units, G, N);
    const [q, k, v, y, dy] = [queries, keys, values, made, slopes].map((operand) => matrixAt(text, operand));
    text.line("var along = 0.0f; var level = 0.0f;");
    text.block(`if (mine < ${N}u)`, () => {
      text.line(`level = ${text.operand(sums, `stack * ${N}u + mine`)};`);
      text.block(`for (var channel = part; channel < ${v.columns}u; channel += ${work.shares}u)`, () =>
        text.line(`along += ${element(text, dy, "mine", "channel")} * ${element(text, y, "mine", "channel")};`),
      );
    });
    ofRow(work, "vec2f(along, 0.0f)", (parts) =>
      text.line(`let slope = ${parts.map((part) => `${part}.x`).join(" + ")};`),
    );
    putOfRow(work, N, (at) => text.write(node, 1, at, "slope"));
    const [ownQueries, ownSlopes] = [ownRows(work, "qTile", q), ownRows(work, "dyTile", dy)];
    const [ofKeys, ofValues] = [declareOther(work, "kTile", k), declareOther(work, "vTile", v)];
    const gradient = declareStrip(work, d);
    alongUnits(work, k.rows, () => {
      ofKeys.stage();
      ofValues.stage();
      barrier(work);
      ofKeys.scores(ownQueries);
      barrier(work);
      eachScore(work, k.rows, ({ index, value, within }) =>
        text.line(`let p${index} = ${within(`exp(${value} - level)`, "0.0f")};`),
      );
      barrier(work);
      ofValues.scores(ownSlopes);
      barrier(work);
      eachScore(work, k.rows, ({ index, value, give }) => give(`p${index} * (${value} - slope)`));
      barrier(work);
      ofKeys.accumulate(gradient);
      barrier(work);
    });
    putStrips(work, N, d, gradient, (sum) => sum, finish);
    return [draftUnits(work, 2 * G * N * k.rows * (2 * d + v.columns))];
  };

/** `keysGradientCore` on matrix units. */
export const unitsKeysGradientCore =
  ([queries, keys, values, slopes, sums, levels]: readonly Operand[], units: MatrixUnits): Core =>
  ({ node, write, finish }) => {
    const [G, M, d] = shapeOfOperand(keys);
    const text = write();
    const work = beginUnits(text, units, G, M);
    const [q, k, v, dy] = [queries, keys, values, slopes].map((operand) => matrixAt(text, operand));
    const N = q.rows;
    const [ownKeys, ownValues] = [ownRows(work, "kTile", k), ownRows(work, "vTile", v)];
    const [ofQueries, ofSlopes] = [declareOther(work, "qTile", q), declareOther(work, "dyTile", dy)];
    text.shared.push(`var<workgroup> known: array<vec2f, ${across}>;`);
    const [forKeys, forValues] = [declareStrip(work, d), declareStrip(work, v.columns)];
    alongUnits(work, N, () => {
      ofQueries.stage();
      ofSlopes.stage();
      text.block(`for (var entry = thread; entry < ${across}u; entry += ${work.threads}u)`, () => {
        // The last of all again beyond it, where nothing is made of it.
        text.line(`let at = stack * ${N}u + min(column0 + entry, ${N - 1}u);`);
        text.line(`known[entry] = vec2f(${text.operand(sums, "at")}, ${text.operand(levels, "at")});`);
      });
      barrier(work);
      ofQueries.scores(ownKeys);
      barrier(work);
      eachScore(work, N, ({ index, value, column, within, give }) => {
        text.line(`let p${index} = ${within(`exp(${value} - known[${column}].x)`, "0.0f")};`);
        give(`p${index}`);
      });
      barrier(work);
      ofSlopes.accumulate(forValues);
      ofSlopes.scores(ownValues);
      barrier(work);
      eachScore(work, N, ({ index, value, column, give }) => give(`p${index} * (${value} - known[${column}].y)`));
      barrier(work);
      ofQueries.accumulate(forKeys);
      barrier(work);
    });
    putStrips(work, M, d, forKeys, (sum) => sum, finish);
    putStrips(
      work,
      M,
      v.columns,
      forValues,
      (sum) => sum,
      (writer, at, value) => writer.write(node, 1, at, value),
    );
    return [draftUnits(work, 4 * G * N * M * (d + v.columns))];
  };
