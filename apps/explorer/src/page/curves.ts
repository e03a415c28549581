import { contextOf } from "./draw.js";

/** A loss step by step: a thin line as it is, a thick one smoothed. */
export function drawCurves(
  canvas: HTMLCanvasElement,
  points: readonly (readonly [step: number, total: number])[],
): void {
  const { width, height } = canvas;
  const context = contextOf(canvas, width, height);
  if (points.length < 2) return;
  const totals = points.map(([, total]) => total);
  const [low, high] = [Math.min(...totals), Math.max(...totals)];
  const last = points[points.length - 1][0];
  const x = (step: number) => 46 + ((width - 54) * step) / last;
  const y = (total: number) => 12 + (height - 36) * (1 - (total - low) / (high - low || 1));
  const ink = getComputedStyle(canvas).color;
  const line = (values: readonly number[], thickness: number, alpha: number) => {
    context.globalAlpha = alpha;
    context.lineWidth = thickness;
    context.strokeStyle = ink;
    context.beginPath();
    for (const [at, value] of values.entries()) context.lineTo(x(points[at][0]), y(value));
    context.stroke();
    context.globalAlpha = 1;
  };
  // A smoothed line lags by a twentieth of a short run, by fifty steps of a long one.
  const share = Math.min(1, Math.max(0.02, 20 / totals.length));
  let smooth = totals[0];
  line(totals, 1, 0.4);
  line(
    totals.map((total) => (smooth += share * (total - smooth))),
    2.5,
    1,
  );
  context.fillStyle = ink;
  context.font = "12px system-ui, sans-serif";
  context.fillText(high.toPrecision(3), 2, 16);
  context.fillText(low.toPrecision(3), 2, height - 22);
  context.fillText(`step ${last}`, width - 66, height - 6);
}
