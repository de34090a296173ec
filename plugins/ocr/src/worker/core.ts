import openModule, { type TesseractModule } from "tesseract.js-core/tesseract-core-simd-lstm.wasm.js";
import { Failure } from "../failure.ts";

/** The WebAssembly module with a view of its memory. Everything here runs on the calling thread. */
export interface Core {
  module: TesseractModule;
  /** Fresh views: growing the memory detaches older ones. */
  bytes(): Uint8Array;
  words(): Int32Array;
  /** Size of the linear memory, which never shrinks. */
  memoryBytes(): number;
}

/** @throws not_implemented `engine_missing` when this processor or runtime cannot run the module */
export async function openCore(): Promise<Core> {
  lendNodeGlobals();
  const seen = watchForMemory();
  try {
    const module = await openModule({ print: ignore, printErr: ignore, TesseractProgress: ignore });
    const memory = seen.memory();
    if (!memory) throw new Error("the core module exports no memory");
    return {
      module,
      bytes: () => new Uint8Array(memory.buffer),
      words: () => new Int32Array(memory.buffer),
      memoryBytes: () => memory.buffer.byteLength,
    };
  } catch (cause) {
    const message = "The recognition engine cannot be started on this machine.";
    throw new Failure("not_implemented", { reason: "engine_missing", message, cause });
  } finally {
    seen.stop();
  }
}

/** Copies bytes into the module. The caller frees the pointer. @throws capacity_exceeded `memory` */
export function lendBytes(core: Core, data: Uint8Array): number {
  const pointer = core.module._malloc(data.length + 1);
  if (pointer === 0) throw outOfMemory();
  core.bytes().set(data, pointer);
  return pointer;
}

export function outOfMemory(cause?: unknown): Failure {
  const message = "There is not enough memory for a picture of this size. Try again later, or send a smaller one.";
  return new Failure("capacity_exceeded", { reason: "memory", message, cause });
}

/** What the module says on its error channel is for its developers, and may quote the text that was read (22 rule 11). */
function ignore(): void {
  return;
}

/**
 * The single-file module has no door to its linear memory, without which pixels would have to pass byte by byte. So its one call of
 * `WebAssembly.instantiate` is watched while it starts; nothing else in this process starts a module at that time.
 */
function watchForMemory(): { memory(): WebAssembly.Memory | undefined; stop(): void } {
  const original = WebAssembly.instantiate;
  let memory: WebAssembly.Memory | undefined;
  const watched = async (source: Uint8Array, imports?: WebAssembly.Imports): Promise<WebAssembly.Started> => {
    const result = await original(source, imports);
    memory = Object.values(result.instance.exports).find((value) => value instanceof WebAssembly.Memory);
    return result;
  };
  WebAssembly.instantiate = watched;
  return {
    memory: () => memory,
    stop: () => {
      WebAssembly.instantiate = original;
    },
  };
}

/** The module is written for CommonJS; in an ES module bundle it misses these two names. */
function lendNodeGlobals(): void {
  const globals = globalThis as { require?: unknown; __dirname?: string };
  globals.require ??= (name: string) => process.getBuiltinModule(name);
  globals.__dirname ??= "/";
}
