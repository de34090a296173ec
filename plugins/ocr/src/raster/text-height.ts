import type { Sketch } from "./sketch.ts";

const LEAST_MARKS = 20;

/**
 * Height of the middle-sized mark on the page: about that of a small letter.
 * @returns   source pixels; null for a page with too few marks to tell
 */
export function findTextHeight(sketch: Sketch): number | null {
  const heights = marks(sketch)
    .filter((mark) => mark.height >= 3 && mark.width >= 2 && mark.height <= sketch.height / 8 && mark.width <= mark.height * 6)
    .map((mark) => mark.height)
    .toSorted((a, b) => a - b);
  if (heights.length < LEAST_MARKS) return null;
  return (heights[heights.length >> 1] ?? 0) * sketch.scale;
}

interface Mark {
  width: number;
  height: number;
}

/** Connected dark areas, joined row by row through a forest of labels. */
function marks(sketch: Sketch): Mark[] {
  const { width, height, dark } = sketch;
  const labels = new Int32Array(width * height);
  const parent: number[] = [0];
  const box: { left: number; right: number; top: number; bottom: number }[] = [{ left: 0, right: 0, top: 0, bottom: 0 }];
  const root = (label: number): number => {
    let at = label;
    while (parent[at] !== at) at = parent[at] = parent[parent[at] ?? 0] ?? 0;
    return at;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (dark[at] !== 1) continue;
      let label = 0;
      const near = [
        x > 0 ? labels[at - 1] : 0,
        ...(y > 0 ? [x > 0 ? labels[at - width - 1] : 0, labels[at - width], x + 1 < width ? labels[at - width + 1] : 0] : []),
      ];
      for (const other of near) {
        if (!other) continue;
        const top = root(other);
        if (label === 0) label = top;
        else if (top !== label) {
          const [keep, drop] = label < top ? [label, top] : [top, label];
          parent[drop] = keep;
          label = keep;
        }
      }
      if (label === 0) {
        label = parent.length;
        parent.push(label);
        box.push({ left: x, right: x, top: y, bottom: y });
      }
      labels[at] = label;
      const own = box[label];
      if (own) {
        own.left = Math.min(own.left, x);
        own.right = Math.max(own.right, x);
        own.bottom = y;
      }
    }
  }
  return gather(box, root);
}

function gather(boxes: { left: number; right: number; top: number; bottom: number }[], root: (label: number) => number): Mark[] {
  for (let label = boxes.length - 1; label > 0; label--) {
    const own = boxes[label];
    const whole = boxes[root(label)];
    if (!own || !whole || own === whole) continue;
    whole.left = Math.min(whole.left, own.left);
    whole.right = Math.max(whole.right, own.right);
    whole.top = Math.min(whole.top, own.top);
    whole.bottom = Math.max(whole.bottom, own.bottom);
  }
  return boxes
    .filter((_, label) => label > 0 && root(label) === label)
    .map((own) => ({ width: own.right - own.left + 1, height: own.bottom - own.top + 1 }));
}
