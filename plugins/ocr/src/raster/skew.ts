import type { Sketch } from "./sketch.ts";

/** Fewer marks than this say nothing about lines of text. */
const LEAST_INK = 200;
const MAX_POINTS = 120_000;
/** How far the best angle must stand out from the average one; a photo without text has no such peak. */
const CLEAR = 1.15;

/**
 * Finds by how much the lines of text are turned. For each trial angle the lower edges of all marks are summed along lines at
 * that angle; where baselines are met, sums are high and the gaps between are empty, so their squares add up to most.
 * @param limit   largest angle that is tried, degrees
 * @returns       degrees, positive when lines fall towards the right; 0 when there are no lines to be seen
 */
export function findSkew(sketch: Sketch, limit = 15): number {
  const points = lowerEdges(sketch);
  if (points.count < LEAST_INK) return 0;
  let best = search(points, { from: -limit, to: limit, step: 0.5 });
  if (!best.clear) return 0;
  best = search(points, { from: best.angle - 0.5, to: best.angle + 0.5, step: 0.1 });
  best = search(points, { from: best.angle - 0.1, to: best.angle + 0.1, step: 0.02 });
  return Math.abs(best.angle) >= limit ? 0 : best.angle;
}

interface Points {
  count: number;
  x: Float32Array;
  y: Float32Array;
  /** Length of the picture's diagonal, the room that projections need. */
  reach: number;
}

/** Baselines show most clearly in lower edges, and large dark areas do not drown the text. */
function lowerEdges(sketch: Sketch): Points {
  const { width, height, dark } = sketch;
  const found: number[] = [];
  for (let at = 0; at < width * (height - 1); at++) if (dark[at] === 1 && dark[at + width] === 0) found.push(at);
  const stride = Math.max(1, Math.ceil(found.length / MAX_POINTS));
  const count = Math.floor(found.length / stride);
  const points: Points = {
    count,
    x: new Float32Array(count),
    y: new Float32Array(count),
    reach: Math.ceil(Math.hypot(width, height)) + 2,
  };
  for (let i = 0; i < count; i++) {
    const at = found[i * stride] ?? 0;
    points.x[i] = (at % width) - width / 2;
    points.y[i] = Math.floor(at / width) - height / 2;
  }
  return points;
}

function search(points: Points, range: { from: number; to: number; step: number }): { angle: number; clear: boolean } {
  const bins = new Float64Array(points.reach);
  const steps = Math.round((range.to - range.from) / range.step);
  let angle = 0;
  let best = -1;
  let total = 0;
  for (let i = 0; i <= steps; i++) {
    const trial = range.from + i * range.step;
    const value = lineContrast(points, trial, bins);
    total += value;
    if (value > best) {
      best = value;
      angle = trial;
    }
  }
  return { angle, clear: best > (CLEAR * total) / (steps + 1) };
}

function lineContrast(points: Points, degrees: number, bins: Float64Array): number {
  bins.fill(0);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const middle = points.reach / 2;
  for (let i = 0; i < points.count; i++) {
    // A point is shared between two bins; whole bins would favour the angles at which pixels happen to fall on one row.
    const row = (points.y[i] ?? 0) * cos - (points.x[i] ?? 0) * sin + middle;
    const low = Math.floor(row);
    bins[low] = (bins[low] ?? 0) + 1 - (row - low);
    bins[low + 1] = (bins[low + 1] ?? 0) + row - low;
  }
  let sum = 0;
  for (const n of bins) sum += n * n;
  return sum;
}
