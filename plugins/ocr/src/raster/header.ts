import { decodeFailed, Failure } from "../failure.ts";

export type ImageFormat = "png" | "jpeg" | "webp" | "tiff" | "bmp" | "pnm";

/** What the first bytes of a picture say about it, read without decoding a single pixel. */
export interface ImageHeader {
  format: ImageFormat;
  /** Stored pixels, before the orientation is applied. */
  width: number;
  height: number;
  /** EXIF orientation 1–8; 1 is upright. TIFF is always 1: its decoder turns the picture itself. */
  orientation: number;
  /** Pixels per inch if the file states a believable figure. 72 and 96 are what software writes that does not know. */
  dpi: number | null;
}

/** The recogniser counts pixels in 16 bits. */
const MAX_SIDE = 32_767;

/**
 * Reads format and size, and refuses pictures that are too large before anything is decoded.
 * @throws bad_request   `decode_failed` (not a picture we read, or its header is broken), `too_large`
 * @source 22 §1 (max_image_pixels)
 */
export function readHeader(bytes: Uint8Array, maxPixels: number): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: ImageHeader | null;
  try {
    header = parse(view);
  } catch (cause) {
    throw cause instanceof Failure
      ? cause
      : decodeFailed("The picture ends in the middle of its header. Send the whole file.", cause);
  }
  if (header === null) throw decodeFailed("This is not a picture. Send PNG, JPEG, WebP, TIFF, BMP or PNM.");
  checkSize(header, maxPixels);
  return header;
}

/** @throws bad_request `too_large` or `decode_failed` */
export function checkSize(size: { width: number; height: number }, maxPixels: number): void {
  const { width, height } = size;
  if (width < 1 || height < 1) throw decodeFailed("The picture has no pixels.");
  if (width * height > maxPixels || width > MAX_SIDE || height > MAX_SIDE) {
    const message = `The picture has ${width} × ${height} pixels; at most ${maxPixels} in all and ${MAX_SIDE} a side are read. Make it smaller.`;
    throw new Failure("bad_request", { reason: "too_large", message });
  }
}

function parse(view: DataView): ImageHeader | null {
  const magic = view.getUint32(0);
  if (magic === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a) return png(view);
  if (magic >>> 8 === 0xffd8ff) return jpeg(view);
  if (magic === 0x52494646 && view.getUint32(8) === 0x57454250) return webp(view);
  if (magic === 0x49492a00 || magic === 0x4d4d002a) return tiff(view, 0);
  if (magic >>> 16 === 0x424d) return bmp(view);
  if (magic >>> 24 === 0x50 && ((magic >>> 16) & 255) >= 0x31 && ((magic >>> 16) & 255) <= 0x36) return pnm(view);
  return null;
}

function believable(dpi: number): number | null {
  return dpi >= 100 && dpi <= 1200 ? dpi : null;
}

function png(view: DataView): ImageHeader {
  if (view.getUint32(12) !== 0x49484452) throw decodeFailed("The PNG file does not start with its header.");
  const header: ImageHeader = { format: "png", width: view.getUint32(16), height: view.getUint32(20), orientation: 1, dpi: null };
  for (let at = 33; at + 21 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const type = view.getUint32(at + 4);
    if (type === 0x49444154) break;
    if (type === 0x70485973 && view.getUint8(at + 16) === 1) header.dpi = believable(Math.round(view.getUint32(at + 8) * 0.0254));
  }
  return header;
}

function jpeg(view: DataView): ImageHeader {
  let orientation = 1;
  let dpi: number | null = null;
  let at = 2;
  for (;;) {
    while (view.getUint8(at) !== 0xff) at++;
    while (view.getUint8(at) === 0xff) at++;
    const marker = view.getUint8(at++);
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    if (marker === 0xd9 || marker === 0xda) throw decodeFailed("The JPEG file does not say how large it is.");
    const size = view.getUint16(at);
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { format: "jpeg", width: view.getUint16(at + 5), height: view.getUint16(at + 3), orientation, dpi };
    }
    if (marker === 0xe0 && size >= 16 && view.getUint32(at + 2) === 0x4a464946) {
      const perInch = view.getUint8(at + 9) === 1 ? 1 : view.getUint8(at + 9) === 2 ? 2.54 : 0;
      dpi = believable(Math.round(view.getUint16(at + 10) * perInch));
    }
    if (marker === 0xe1 && size >= 16 && view.getUint32(at + 2) === 0x45786966) {
      const exif = exifTags(view, at + 8, at + size);
      orientation = exif?.orientation ?? 1;
      dpi ??= exif?.dpi ?? null;
    }
    at += size;
  }
}

/** EXIF is a TIFF inside a JPEG segment. A broken one is no reason to refuse the picture. */
function exifTags(view: DataView, from: number, to: number): Tags | null {
  try {
    return tagsOf(new DataView(view.buffer, view.byteOffset + from, to - from));
  } catch {
    return null;
  }
}

interface Tags {
  width: number;
  height: number;
  orientation: number;
  dpi: number | null;
}

function tagsOf(view: DataView): Tags {
  const little = view.getUint16(0) === 0x4949;
  const ifd = view.getUint32(4, little);
  const count = view.getUint16(ifd, little);
  const tags: Tags = { width: 0, height: 0, orientation: 1, dpi: null };
  let perInch = 1;
  for (let i = 0; i < count; i++) {
    const at = ifd + 2 + i * 12;
    const tag = view.getUint16(at, little);
    const value = view.getUint16(at + 2, little) === 3 ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
    if (tag === 256) tags.width = value;
    else if (tag === 257) tags.height = value;
    else if (tag === 274 && value >= 1 && value <= 8) tags.orientation = value;
    else if (tag === 282 && value + 8 <= view.byteLength)
      tags.dpi = view.getUint32(value, little) / view.getUint32(value + 4, little);
    else if (tag === 296 && value === 3) perInch = 2.54;
  }
  tags.dpi = tags.dpi === null ? null : believable(Math.round(tags.dpi * perInch));
  return tags;
}

function tiff(view: DataView, from: number): ImageHeader {
  const tags = tagsOf(new DataView(view.buffer, view.byteOffset + from));
  return { format: "tiff", width: tags.width, height: tags.height, orientation: 1, dpi: tags.dpi };
}

function webp(view: DataView): ImageHeader {
  const kind = view.getUint32(12);
  const size = { width: 0, height: 0 };
  if (kind === 0x56503858) {
    size.width = 1 + (view.getUint32(23, true) >>> 8);
    size.height = 1 + (view.getUint32(26, true) >>> 8);
  } else if (kind === 0x5650384c) {
    const bits = view.getUint32(21, true);
    size.width = 1 + (bits & 0x3fff);
    size.height = 1 + ((bits >>> 14) & 0x3fff);
  } else {
    size.width = view.getUint16(26, true) & 0x3fff;
    size.height = view.getUint16(28, true) & 0x3fff;
  }
  return { format: "webp", ...size, orientation: 1, dpi: null };
}

function bmp(view: DataView): ImageHeader {
  const short = view.getUint32(14, true) === 12;
  const width = short ? view.getUint16(18, true) : Math.abs(view.getInt32(18, true));
  const height = short ? view.getUint16(20, true) : Math.abs(view.getInt32(22, true));
  const dpi = short ? null : believable(Math.round(view.getInt32(38, true) * 0.0254));
  return { format: "bmp", width, height, orientation: 1, dpi };
}

/** Two numbers in text behind the magic, with comments in between. */
function pnm(view: DataView): ImageHeader {
  const numbers: number[] = [];
  let at = 2;
  while (numbers.length < 2) {
    let code = view.getUint8(at);
    if (code === 0x23) while (view.getUint8(at) !== 0x0a) at++;
    else if (code >= 0x30 && code <= 0x39) {
      let value = 0;
      for (; code >= 0x30 && code <= 0x39 && value < 1e9; code = view.getUint8(++at)) value = value * 10 + code - 0x30;
      numbers.push(value);
    } else if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) at++;
    else throw decodeFailed("The PNM file does not say how large it is.");
  }
  return { format: "pnm", width: numbers[0] ?? 0, height: numbers[1] ?? 0, orientation: 1, dpi: null };
}
