import type { Glyph } from "../pdf/glyph.ts";
import type { PdfiumModule } from "./pdfium.ts";

/** Much more than a page holds; the quality test refuses what comes near. */
const MOST_CHARACTERS = 120_000;
/** Degrees by which a line may lean. */
const LEAN = 5;
const UNKNOWN = "\uFFFD";
const SPACE = /^[\s\p{Cc}]$/u;

/** Characters of a page in the order of its commands, each where a viewer shows it. */
export function glyphsOf(module: PdfiumModule, page: number): Glyph[] {
  const text = module._FPDFText_LoadPage(page);
  if (text === 0) throw new Error("the page's text could not be opened");
  const slots = module.wasmExports.malloc(16);
  try {
    const place = placement(module, page, slots);
    const glyphs: Glyph[] = [];
    const count = Math.min(module._FPDFText_CountChars(text), MOST_CHARACTERS);
    let apart = true;
    for (let index = 0; index < count; index++) {
      const character = characterAt(module, text, index);
      if (SPACE.test(character)) apart = true;
      if (SPACE.test(character) || module._FPDFText_GetLooseCharBox(text, index, slots) === 0) continue;
      const box = place.box(slots);
      glyphs.push({ text: character, ...box, apart, turned: place.isTurned(module._FPDFText_GetCharAngle(text, index)) });
      apart = false;
    }
    return glyphs;
  } finally {
    module.wasmExports.free(slots);
    module._FPDFText_ClosePage(text);
  }
}

function characterAt(module: PdfiumModule, text: number, index: number): string {
  // What breaks a word at the end of a line has a code of the library's own.
  if (module._FPDFText_IsHyphen(text, index) === 1) return "-";
  const code = module._FPDFText_GetUnicode(text, index);
  const known = code !== 0 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff);
  return !known || module._FPDFText_HasUnicodeMapError(text, index) === 1 ? UNKNOWN : String.fromCodePoint(code);
}

/** From the page's own coordinates, which begin at the bottom left of the unturned page, to those of the page as it is shown. */
function placement(
  module: PdfiumModule,
  page: number,
  slots: number,
): { box(slots: number): { x: number; y: number; w: number; h: number }; isTurned(radians: number): boolean } {
  const quarters = module._FPDFPage_GetRotation(page);
  module._FPDF_GetPageBoundingBox(page, slots);
  const [left = 0, top = 0, right = 0, bottom = 0] = module.HEAPF32.slice(slots >> 2, (slots >> 2) + 4);
  return {
    box(at) {
      // Left, top, right, bottom.
      const [x0 = 0, y1 = 0, x1 = 0, y0 = 0] = module.HEAPF32.subarray(at >> 2, (at >> 2) + 4);
      const [w, h] = [x1 - x0, y1 - y0];
      switch (quarters) {
        case 1:
          return { x: y0 - bottom, y: x0 - left, w: h, h: w };
        case 2:
          return { x: right - x1, y: y0 - bottom, w, h };
        case 3:
          return { x: top - y1, y: right - x1, w: h, h: w };
        default:
          return { x: x0 - left, y: top - y1, w, h };
      }
    },
    isTurned(radians) {
      if (radians < 0) return false;
      // Both clockwise: the letter on the page, and the page itself.
      const degrees = ((radians * 180) / Math.PI + quarters * 90) % 360;
      return degrees > LEAN && degrees < 360 - LEAN;
    },
  };
}
