import { PDFiumModule } from "@hyzyla/pdfium";
import { PDFIUM_WASM_BASE64 } from "@hyzyla/pdfium/dist/pdfium.wasm.base64-B4io7kt4.js";
import { Failure } from "../failure.ts";

type Vendor = Awaited<ReturnType<typeof PDFiumModule>>;

/** PDFium's C interface as far as it is used; the package's own types stop at what its classes need. */
export interface PdfiumModule extends Vendor {
  HEAPF32: Float32Array;
  HEAPF64: Float64Array;
  _FPDFPage_GetRotation(page: number): number;
  _FPDF_GetPageBoundingBox(page: number, rectangle: number): number;
  _FPDFPageObj_GetBounds(object: number, left: number, bottom: number, right: number, top: number): number;
  _FPDFPageObj_GetMatrix(object: number, matrix: number): number;
  _FPDFFormObj_CountObjects(object: number): number;
  _FPDFFormObj_GetObject(object: number, index: number): number;
  _FPDFText_GetUnicode(textPage: number, index: number): number;
  _FPDFText_IsGenerated(textPage: number, index: number): number;
  _FPDFText_IsHyphen(textPage: number, index: number): number;
  _FPDFText_HasUnicodeMapError(textPage: number, index: number): number;
  _FPDFText_GetCharAngle(textPage: number, index: number): number;
  _FPDFText_GetLooseCharBox(textPage: number, index: number, rectangle: number): number;
}

/** The WebAssembly module with what must be known of its memory, which never shrinks. */
export interface Pdfium {
  module: PdfiumModule;
  memoryBytes(): number;
  /** True once it asked for more memory than it may have: whatever fails then fails for that. */
  starved(): boolean;
}

/** Beside 1 GiB for the whole worker: the recogniser and the picture of the page need their share (22 §2). */
const MOST_MEMORY_BYTES = 512 * 1024 * 1024;

/** @throws not_implemented `engine_missing` when this processor or runtime cannot run the module */
export async function openPdfium(): Promise<Pdfium> {
  try {
    // With both the module looks for no file; what it has to say is for its developers, and may quote the page (22 rule 11).
    const quiet = { print: ignore, printErr: ignore };
    const code = Buffer.from(PDFIUM_WASM_BASE64, "base64");
    const module = (await PDFiumModule({
      ...quiet,
      wasmBinary: code.buffer,
      locateFile: () => "",
    })) as PdfiumModule;
    const bounded = boundMemory(module);
    module._FPDF_InitLibraryWithConfig({});
    return { module, ...bounded };
  } catch (cause) {
    const message = "The PDF reader cannot be started on this machine.";
    throw new Failure("not_implemented", { reason: "engine_missing", message, cause });
  }
}

/** The module grows its memory through this very object. Refused, it gives up the page instead of the machine. */
function boundMemory(module: PdfiumModule): Pick<Pdfium, "memoryBytes" | "starved"> {
  const memory = (module.wasmExports as unknown as { memory: WebAssembly.Memory }).memory;
  const grow = memory.grow.bind(memory);
  let starved = false;
  memory.grow = (pages) => {
    starved ||= memory.buffer.byteLength + pages * 65_536 > MOST_MEMORY_BYTES;
    if (starved) throw new RangeError("The PDF reader may not have more memory.");
    return grow(pages);
  };
  return { memoryBytes: () => memory.buffer.byteLength, starved: () => starved };
}

function ignore(): void {
  return;
}
