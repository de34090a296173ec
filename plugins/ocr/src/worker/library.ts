import { gunzipSync } from "node:zlib";
import type { TessBaseApi } from "tesseract.js-core/tesseract-core-simd-lstm.wasm.js";
import OEM from "tesseract.js/src/constants/OEM.js";
import PSM from "tesseract.js/src/constants/PSM.js";
import { dispatchHandlers, type Packet, setAdapter } from "tesseract.js/src/worker-script/index.js";
import type { Raster } from "../raster/raster.ts";
import { tiffOf } from "../raster/tiff.ts";
import type { Core } from "./core.ts";

/** Data of one language, gzipped or not. */
export interface LanguageFile {
  /** ISO 639-2/T */
  code: string;
  data: Uint8Array;
}

/** How `initialize` says that the engine does not accept the data. */
const UNUSABLE = "initialization failed";

/** What tesseract.js works with at the moment; it keeps one module and one engine for the whole process. */
let held: { core: Core; engine: TessBaseApi | null; languages: string } | null = null;

/**
 * What it takes for its engine: whichever is open. So it has no hold on a module that was replaced, and cannot close an engine there,
 * which may have trapped.
 */
const lentEngine = new Proxy(
  {},
  {
    get(_, name): unknown {
      const engine = held?.engine;
      if (!engine) return () => undefined;
      const method: unknown = Reflect.get(engine, name);
      return typeof method === "function" ? method.bind(engine) : method;
    },
  },
);

/** What it takes for its module. */
const lentModule = {
  get FS() {
    return current().core.module.FS;
  },
  TessBaseAPI: function openEngine() {
    const now = current();
    now.engine = new now.core.module.TessBaseAPI();
    return lentEngine;
  },
};

setAdapter({ getCore: () => Promise.resolve(() => Promise.resolve(lentModule)), gunzip: gunzipSync });

/** Puts language data into the module. @returns false when it cannot be unpacked */
export async function loadLanguages(core: Core, files: LanguageFile[]): Promise<boolean> {
  await hold(core);
  // Without a cache nothing is looked up, fetched or written elsewhere: the data is what is handed over.
  const loading = ask("loadLanguage", { langs: files, options: { cacheMethod: "none", lstmOnly: true } });
  return loading.then(
    () => true,
    () => false,
  );
}

/**
 * Opens the engine for languages whose data was loaded, in place of the one before, unless that is the same.
 * @param languages   joined by `+`, the leading one first
 * @returns false when the data cannot be used
 * @throws Error when the module broke down
 */
export async function initialise(core: Core, languages: string): Promise<boolean> {
  await hold(core);
  const now = current();
  if (now.languages === languages) return true;
  now.languages = "";
  try {
    await ask("initialize", { langs: languages, oem: OEM.LSTM_ONLY });
  } catch (error) {
    if (error instanceof Error && error.message === UNUSABLE) return false;
    throw error;
  }
  await ask("setParameters", { params: { tessedit_pageseg_mode: PSM.AUTO } });
  now.languages = languages;
  return true;
}

/**
 * Reads a page with the engine that `initialise` opened.
 * @returns the engine with its result, to be cleared by the caller
 * @throws Error when the page cannot be taken in
 */
export async function recognise(core: Core, page: Raster, dpi: number | null): Promise<TessBaseApi> {
  await hold(core);
  // A page is read only if some form of its text is asked for; the plain one costs least.
  await ask("recognize", { image: tiffOf(page, dpi), options: {}, output: { text: true } });
  await ask("FS", { method: "unlink", args: ["/input"] });
  const { engine } = current();
  if (engine === null) throw new Error("A page came before an engine was opened.");
  return engine;
}

/** Lets go of a module that is not used any more, with all its memory. */
export function release(core: Core): void {
  if (held?.core === core) held = null;
}

async function hold(core: Core): Promise<void> {
  if (held?.core === core) return;
  held = { core, engine: null, languages: "" };
  await ask("load", { options: { lstmOnly: true, logging: false } });
}

function current(): NonNullable<typeof held> {
  if (held === null) throw new Error("No module is open.");
  return held;
}

/** Lets one of the library's handlers work. They report the first outcome as a message and their errors as text. */
function ask(action: Packet["action"], payload: object): Promise<void> {
  return new Promise((resolve, reject) => {
    dispatchHandlers({ workerId: "decode", jobId: action, action, payload }, ({ status, data }) => {
      if (status === "resolve") resolve();
      if (status === "reject") reject(new Error(String(data)));
    });
  });
}
