import { decodeFailed, type Failure } from "../failure.ts";
import { checkSize, readHeader, type ImageHeader } from "../raster/header.ts";
import { applyOrientation } from "../raster/orientation.ts";
import type { Raster } from "../raster/raster.ts";
import { type Core, lendBytes, outOfMemory } from "./core.ts";

/**
 * Decodes a picture to grey, upright as every viewer shows it. Sizes are judged twice before a pixel is decoded: by our reading of
 * the header and by the decoder's own.
 * @throws bad_request         `too_large`, `decode_failed`
 * @throws capacity_exceeded   `memory`
 */
export function decodePicture(core: Core, data: Uint8Array, maxPixels: number): { page: Raster; header: ImageHeader } {
  const header = readHeader(data, maxPixels);
  const source = lendBytes(core, data);
  try {
    checkSize(decoderSize(core, source, data.length), maxPixels);
    const pix = decode(core, source, data.length);
    try {
      return { page: applyOrientation(toGrey(core, pix), header.orientation), header };
    } finally {
      release(core, pix);
    }
  } finally {
    core.module._free(source);
  }
}

function decoderSize(core: Core, source: number, size: number): { width: number; height: number } {
  const slots = core.module._malloc(24);
  core.bytes().fill(0, slots, slots + 24);
  try {
    const failed = core.module._pixReadHeaderMem(source, size, slots, slots + 4, slots + 8, slots + 12, slots + 16, slots + 20);
    if (failed) throw broken();
    const words = core.words();
    return { width: words[(slots + 4) >> 2] ?? 0, height: words[(slots + 8) >> 2] ?? 0 };
  } finally {
    core.module._free(slots);
  }
}

function decode(core: Core, source: number, size: number): number {
  let pix: number;
  try {
    pix = core.module._pixReadMem(source, size);
  } catch (cause) {
    throw isOutOfMemory(cause) ? outOfMemory(cause) : broken(cause);
  }
  if (pix === 0) throw broken();
  return pix;
}

function broken(cause?: unknown): Failure {
  return decodeFailed(
    "The picture is damaged or uses a compression that is not read here. Save it as PNG or JPEG and send it again.",
    cause,
  );
}

export function isOutOfMemory(cause: unknown): boolean {
  return (
    cause instanceof RangeError || (cause instanceof Error && /^RangeError|OOM|out of memory|enlarge memory/i.test(cause.message))
  );
}

function release(core: Core, pix: number): void {
  const slot = core.module._malloc(4);
  core.words()[slot >> 2] = pix;
  core.module._pixDestroy(slot);
  core.module._free(slot);
}

/** Leptonica's `struct Pix`: w h d spp wpl refcount xres yres informat special text colormap data, one 32-bit word each. */
function toGrey(core: Core, pix: number): Raster {
  const words = core.words();
  const field = (index: number): number => words[(pix >> 2) + index] ?? 0;
  const [width, height, depth, samples, wordsPerLine] = [field(0), field(1), field(2), field(3), field(4)];
  const lines = { width, height, wordsPerLine, start: field(12) >> 2, words };
  const data = depth === 32 ? fromColour(lines, samples === 4) : fromLevels(lines, depth, levelsOf(core, field(11), depth));
  return { width, height, data };
}

interface Lines {
  width: number;
  height: number;
  wordsPerLine: number;
  start: number;
  words: Int32Array;
}

/** Red in the highest byte, then green, blue, alpha. Transparent pixels show white paper. */
function fromColour(lines: Lines, alpha: boolean): Uint8Array {
  const { width, height, wordsPerLine, start, words } = lines;
  const out = new Uint8Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = start + y * wordsPerLine; x < width; x++, at++, to++) {
      const value = words[at] ?? 0;
      const grey = (77 * (value >>> 24) + 150 * ((value >>> 16) & 255) + 29 * ((value >>> 8) & 255) + 128) >> 8;
      const cover = value & 255;
      out[to] = alpha ? (grey * cover + 255 * (255 - cover)) / 255 : grey;
    }
  }
  return out;
}

/** Grey of every level of a picture with up to 8 bits a pixel; with 16 bits the upper byte is the level. */
function levelsOf(core: Core, colormap: number, depth: number): Uint8Array {
  const count = depth >= 8 ? 256 : 1 << depth;
  const levels = new Uint8Array(count);
  if (colormap !== 0) {
    const words = core.words();
    const bytes = core.bytes();
    const table = words[colormap >> 2] ?? 0;
    const used = words[(colormap >> 2) + 3] ?? 0;
    for (let i = 0; i < Math.min(count, used); i++) {
      const [blue = 0, green = 0, red = 0] = bytes.subarray(table + i * 4, table + i * 4 + 3);
      levels[i] = (77 * red + 150 * green + 29 * blue + 128) >> 8;
    }
    return levels;
  }
  // One bit means ink; more bits mean brightness.
  for (let i = 0; i < count; i++) levels[i] = depth === 1 ? (1 - i) * 255 : Math.round((i * 255) / (count - 1));
  return levels;
}

/** Pixels are packed into words from the highest bit downwards. */
function fromLevels(lines: Lines, depth: number, levels: Uint8Array): Uint8Array {
  const { width, height, wordsPerLine, start, words } = lines;
  const out = new Uint8Array(width * height);
  const perWord = 32 / depth;
  const mask = depth === 16 ? 0xffff : levels.length - 1;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      const word = words[start + y * wordsPerLine + Math.floor(x / perWord)] ?? 0;
      const value = (word >>> (32 - depth * ((x % perWord) + 1))) & mask;
      out[to] = levels[depth === 16 ? value >>> 8 : value] ?? 255;
    }
  }
  return out;
}
