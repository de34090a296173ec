import type { PdfiumModule } from "./pdfium.ts";

/** What raster images a page holds. */
export interface ImageFacts {
  /** Part of the page that they cover together, 0 to 1. */
  share: number;
  /** Pixels of the largest. */
  largest: number;
}

const IMAGE = 3;
const FORM = 5;
const MOST_OBJECTS = 20_000;
const MOST_DEEP = 6;
/** The page is looked at through a grid of this many squares a side: scanners cut pages into strips, which overlap or touch. */
const GRID = 64;

/** Maps a point of an object to the page: x' = a·x + c·y + e, y' = b·x + d·y + f. */
type Matrix = [a: number, b: number, c: number, d: number, e: number, f: number];
type Corners = [left: number, bottom: number, right: number, top: number];

/** Looks at the page's list of objects; no picture is opened for it. */
export function imageFacts(module: PdfiumModule, page: number): ImageFacts {
  const slots = module.wasmExports.malloc(32);
  try {
    module._FPDF_GetPageBoundingBox(page, slots);
    // Left, top, right, bottom.
    const [left = 0, top = 0, right = 0, bottom = 0] = floats(module, slots, 4);
    const grid = new Uint8Array(GRID * GRID);
    let largest = 0;
    let seen = 0;
    const look = (object: number, matrix: Matrix, deep: number): void => {
      if (++seen > MOST_OBJECTS) return;
      const type = module._FPDFPageObj_GetType(object);
      if (type === IMAGE) {
        largest = Math.max(largest, pixelsOf(module, object, slots));
        cover(grid, moved(boundsOf(module, object, slots), matrix), [left, bottom, right, top]);
      } else if (type === FORM && deep < MOST_DEEP) {
        const inner = times(matrixOf(module, object, slots), matrix);
        const count = module._FPDFFormObj_CountObjects(object);
        for (let n = 0; n < count && seen <= MOST_OBJECTS; n++) look(module._FPDFFormObj_GetObject(object, n), inner, deep + 1);
      }
    };
    const count = module._FPDFPage_CountObjects(page);
    for (let n = 0; n < count && seen <= MOST_OBJECTS; n++) look(module._FPDFPage_GetObject(page, n), [1, 0, 0, 1, 0, 0], 0);
    return { share: grid.reduce((sum, square) => sum + square, 0) / grid.length, largest };
  } finally {
    module.wasmExports.free(slots);
  }
}

function floats(module: PdfiumModule, at: number, count: number): Float32Array {
  return module.HEAPF32.slice(at >> 2, (at >> 2) + count);
}

function pixelsOf(module: PdfiumModule, object: number, slots: number): number {
  if (module._FPDFImageObj_GetImagePixelSize(object, slots, slots + 4) === 0) return 0;
  const [width = 0, height = 0] = new Uint32Array(module.HEAPU8.buffer, slots, 2);
  return width * height;
}

function boundsOf(module: PdfiumModule, object: number, slots: number): Corners {
  if (module._FPDFPageObj_GetBounds(object, slots, slots + 4, slots + 8, slots + 12) === 0) return [0, 0, 0, 0];
  const [left = 0, bottom = 0, right = 0, top = 0] = floats(module, slots, 4);
  return [left, bottom, right, top];
}

function matrixOf(module: PdfiumModule, object: number, slots: number): Matrix {
  if (module._FPDFPageObj_GetMatrix(object, slots) === 0) return [1, 0, 0, 1, 0, 0];
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = floats(module, slots, 6);
  return [a, b, c, d, e, f];
}

/** First `one`, then `other`. */
function times([a, b, c, d, e, f]: Matrix, other: Matrix): Matrix {
  const [A, B, C, D, E, F] = other;
  return [a * A + b * C, a * B + b * D, c * A + d * C, c * B + d * D, e * A + f * C + E, e * B + f * D + F];
}

function moved([left, bottom, right, top]: Corners, [a, b, c, d, e, f]: Matrix): Corners {
  const points = [left, right].flatMap((x) => [bottom, top].map((y) => [a * x + c * y + e, b * x + d * y + f] as const));
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Marks the squares whose middle the image covers. */
function cover(grid: Uint8Array, [left, bottom, right, top]: Corners, page: Corners): void {
  const square = (at: number, start: number, end: number): number =>
    Math.min(GRID, Math.max(0, Math.ceil(((at - start) / (end - start)) * GRID - 0.5)));
  const [pageLeft, pageBottom, pageRight, pageTop] = page;
  if (!(pageRight > pageLeft && pageTop > pageBottom)) return;
  const [x0, x1] = [square(left, pageLeft, pageRight), square(right, pageLeft, pageRight)];
  const [y0, y1] = [square(bottom, pageBottom, pageTop), square(top, pageBottom, pageTop)];
  for (let y = y0; y < y1; y++) grid.fill(1, y * GRID + x0, y * GRID + x1);
}
