import own from "../../package.json" with { type: "json" };

const { "@hyzyla/pdfium": pdfium, "tesseract.js-core": core } = own.dependencies;

/** Everything that a page's text depends on beside the options, pinned exactly: another version may read another text. */
export const ENGINE_VERSION: string = `tesseract.js-core/${core} pdfium/${pdfium} ocr/${own.version}`;
