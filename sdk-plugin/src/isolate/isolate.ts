/** One isolate with one plugin in it. @source plugin-platform §1.2.5 */
import type ivm from "isolated-vm";
import type { Post } from "../guest/channel.ts";
import type { Engine } from "./engine.ts";

/** Shared memory gives guests a clock that is fine enough to read others' memory; WebAssembly makes machine code and memory uncounted. */
const SCRUB = 'for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics"]) delete globalThis[name];';

/** The script that runs first in every isolate: the same each time, so that it is compiled for the first of them. */
export class GuestScript {
  readonly #text: string;
  /** Made here, in an isolate that no plugin's code had been in; nobody else ever holds it. */
  #compiled: ivm.ExternalCopy<ArrayBuffer> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  run(isolate: ivm.Isolate, context: ivm.Context): void {
    const cachedData = this.#compiled;
    const script = isolate.compileScriptSync(this.#text, {
      filename: "hearthnet:guest",
      ...(cachedData === undefined ? { produceCachedData: true } : { cachedData }),
    });
    this.#compiled ??= (script as ivm.CachedDataResult).cachedData;
    script.runSync(context);
  }
}

export interface IsolateOptions {
  engine: Engine;
  /** Runs first. */
  guest: GuestScript;
  entry: string;
  bundle: string;
  manifest: string;
  memoryMb: number;
  /** Longest that loading the bundle may block, milliseconds. */
  loadMs: number;
  onPost: Post;
  /** During `receiveAtOnce` alone, with the isolate's code still running below. */
  onPostAtOnce: Post;
  onExit: (code: number) => void;
}

type Entry = ivm.Reference<(...args: unknown[]) => void>;

/** Why code in the isolate did not come to its end. */
export type Failure = "hung" | "over_quota" | "threw";

export class PluginIsolate {
  readonly #receive: Entry;
  readonly #receiveAtOnce: Entry;

  private constructor(entries: { receive: Entry; receiveAtOnce: Entry }) {
    this.#receive = entries.receive;
    this.#receiveAtOnce = entries.receiveAtOnce;
  }

  /** @param made  gets the isolate before anything runs in it, so that it can be thrown away at any time */
  static async open(o: IsolateOptions, made: (isolate: ivm.Isolate) => void): Promise<PluginIsolate> {
    const { engine } = o;
    const isolate = new engine.Isolate({ memoryLimit: o.memoryMb });
    made(isolate);
    // On this very thread: it is our code alone and takes a moment, and each step elsewhere would have two threads woken for it.
    const context = isolate.createContextSync();
    const { global } = context;
    context.evalSync(SCRUB);
    // Only plain functions that take text and bytes are ever handed in: no Reference, no ExternalCopy, no object of ours.
    global.setSync("hearthnetPost", new engine.Callback(o.onPost, { ignored: true }));
    global.setSync("hearthnetPostAtOnce", new engine.Callback(o.onPostAtOnce, { sync: true }));
    global.setSync("hearthnetExit", new engine.Callback(o.onExit, { ignored: true }));
    o.guest.run(isolate, context);
    const door = global.getSync("hearthnetGuest", { reference: true });
    global.deleteSync("hearthnetGuest");
    const start = door.getSync("start", { reference: true });
    const receive = door.getSync("receive", { reference: true }) as Entry;
    const receiveAtOnce = door.getSync("receiveAtOnce", { reference: true }) as Entry;
    const { plugin, failure } = await load(isolate, context, o);
    await start.apply(undefined, [plugin, failure, o.manifest], { timeout: o.loadMs });
    return new PluginIsolate({ receive, receiveAtOnce });
  }

  /**
   * On a thread of the engine's, so that others in this process go on meanwhile.
   * @param message    JSON
   * @param timeoutMs  for the code that runs at once, not for what it waits for
   */
  async receive(message: string, attachments: ReadonlyMap<string, Uint8Array>, timeoutMs: number): Promise<void> {
    await this.#receive.apply(undefined, ...callOf(message, attachments, { timeout: timeoutMs }));
  }

  /**
   * The same on this very thread, and what it posts has come by `onPostAtOnce` when this returns: no other thread has to be woken, twice. Without
   * a limit of the engine's, which keeps each one until its time has come, used or not, in a thread that wakes for it: the daemon ends whoever
   * does not answer after a deadline, as it does with a process.
   */
  receiveAtOnce(message: string, attachments: ReadonlyMap<string, Uint8Array>): void {
    this.#receiveAtOnce.applySync(undefined, ...callOf(message, attachments, {}));
  }
}

function callOf(
  message: string,
  attachments: ReadonlyMap<string, Uint8Array>,
  limit: { timeout?: number },
): [args: never, options: ivm.RunOptions & ivm.TransferOptionsBidirectional] {
  if (attachments.size === 0) return [[message] as never, limit];
  // A copy: a part may be a view of what came with it, and `Buffer`'s own `slice` is one more view.
  const parts = Array.from(attachments.values(), (part) => new Uint8Array(part).buffer);
  return [[message, JSON.stringify([...attachments.keys()]), ...parts] as never, { ...limit, arguments: { copy: true } }];
}

/** What went wrong, from an error of the engine. */
export function failureOf(error: unknown): Failure {
  const { message } = error as { message?: unknown };
  if (message === "Script execution timed out.") return "hung";
  return typeof message === "string" && message.includes("memory limit") ? "over_quota" : "threw";
}

/** The bundle as a module that can import nothing. Code compiled elsewhere (cachedData) is never taken. */
async function load(
  isolate: ivm.Isolate,
  context: ivm.Context,
  o: IsolateOptions,
): Promise<{ plugin: ReturnType<ivm.Reference["derefInto"]> | undefined; failure: string | null }> {
  try {
    const module = await isolate.compileModule(o.bundle, { filename: o.entry });
    module.instantiateSync(context, (specifier: string) => {
      throw new Error(`A plugin in an isolate can import nothing, not even ${specifier}.`);
    });
    await module.evaluate({ timeout: o.loadMs });
    const plugin = module.namespace.getSync("default", { reference: true });
    return { plugin: plugin.derefInto(), failure: null };
  } catch (error) {
    if (failureOf(error) !== "threw" || isolate.isDisposed) throw error;
    return { plugin: undefined, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
