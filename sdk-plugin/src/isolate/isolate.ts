/** One isolate with one plugin in it. @source plugin-platform §1.2.5 */
import type ivm from "isolated-vm";
import type { Post } from "../guest/channel.ts";
import type { Engine } from "./engine.ts";

/** Shared memory gives guests a clock that is fine enough to read others' memory; WebAssembly makes machine code and memory uncounted. */
const SCRUB = 'for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics"]) delete globalThis[name];';

export interface IsolateOptions {
  engine: Engine;
  /** Script that runs first. */
  guest: string;
  entry: string;
  bundle: string;
  manifest: string;
  memoryMb: number;
  /** Longest that loading the bundle may block, milliseconds. */
  loadMs: number;
  onPost: Post;
  onExit: (code: number) => void;
}

/** Why code in the isolate did not come to its end. */
export type Failure = "hung" | "over_quota" | "threw";

export class PluginIsolate {
  readonly #isolate: ivm.Isolate;
  readonly #receive: ivm.Reference<(...args: unknown[]) => void>;

  private constructor(isolate: ivm.Isolate, receive: ivm.Reference<(...args: unknown[]) => void>) {
    this.#isolate = isolate;
    this.#receive = receive;
  }

  /** @param made  gets the isolate before anything runs in it, so that it can be thrown away at any time */
  static async open(o: IsolateOptions, made: (isolate: ivm.Isolate) => void): Promise<PluginIsolate> {
    const { engine } = o;
    const isolate = new engine.Isolate({ memoryLimit: o.memoryMb });
    made(isolate);
    const context = await isolate.createContext();
    const { global } = context;
    await context.eval(SCRUB);
    // Only plain functions that take text and bytes are ever handed in: no Reference, no ExternalCopy, no object of ours.
    await global.set("hearthnetPost", new engine.Callback(o.onPost, { ignored: true }));
    await global.set("hearthnetExit", new engine.Callback(o.onExit, { ignored: true }));
    await context.eval(o.guest, { filename: "hearthnet:guest" });
    const door = await global.get("hearthnetGuest", { reference: true });
    await global.delete("hearthnetGuest");
    const start = await door.get("start", { reference: true });
    const receive = (await door.get("receive", { reference: true })) as ivm.Reference<(...args: unknown[]) => void>;
    const { plugin, failure } = await load(isolate, context, o);
    await start.apply(undefined, [plugin, failure, o.manifest], { timeout: o.loadMs });
    return new PluginIsolate(isolate, receive);
  }

  /** @param timeoutMs  for the code that runs at once, not for what it waits for */
  async receive(message: object, attachments: ReadonlyMap<string, Uint8Array>, timeoutMs: number): Promise<void> {
    // A copy: a part may be a view of what came with it, and `Buffer`'s own `slice` is one more view.
    const parts = Array.from(attachments.values(), (part) => new Uint8Array(part).buffer);
    const words = [JSON.stringify(message), JSON.stringify([...attachments.keys()])];
    await this.#receive.apply(undefined, [...words, ...parts] as never, {
      timeout: timeoutMs,
      ...(parts.length === 0 ? {} : { arguments: { copy: true } }),
    });
  }

  dispose(): void {
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }
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
    await module.instantiate(context, (specifier: string) => {
      throw new Error(`A plugin in an isolate can import nothing, not even ${specifier}.`);
    });
    await module.evaluate({ timeout: o.loadMs });
    const plugin = await module.namespace.get("default", { reference: true });
    return { plugin: plugin.derefInto(), failure: null };
  } catch (error) {
    if (failureOf(error) !== "threw" || isolate.isDisposed) throw error;
    return { plugin: undefined, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
