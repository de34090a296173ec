/** One character of a page's embedded text, where a viewer shows it. Points from the upper left corner of the page as it is displayed. */
export interface Glyph {
  /** One code point; U+FFFD where the document does not say which. */
  text: string;
  x: number;
  y: number;
  w: number;
  h: number;
  /** A word ends before it: white space stood there, or the reader takes the gap for one. */
  apart: boolean;
  /** Its line does not run from left to right: stamps, watermarks, labels of axes. */
  turned: boolean;
}

/** The text of a page as the document brings it, in the order of its commands. */
export interface TextLayer {
  glyphs: Glyph[];
  /** Share of the page that raster images cover, 0 to 1. */
  imageShare: number;
}
