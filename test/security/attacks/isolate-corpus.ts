/** Attacks from inside an isolate. The code runs as the body of a handler, with `ctx` and `req`. @source plugin-platform §10 A12, A18 */

export interface Escape {
  title: string;
  /** Returns what it got hold of; what it throws is a refusal. */
  code: string;
  /** What the control must come to: proof of a way out. */
  control: RegExp;
}

/** A value of the process outside. */
const OUTSIDE = /^v\d+\.\d+/;

export const ESCAPES: readonly Escape[] = [
  {
    title: "the constructor of a function that was handed in",
    code: 'return ctx.log.info.constructor("return process")().version;',
    control: OUTSIDE,
  },
  {
    title: "the constructor of an object that was handed in",
    code: 'return req.input.constructor.constructor("return process")().version;',
    control: OUTSIDE,
  },
  {
    title: "the constructor of an error that was thrown to it",
    code: 'try { await ctx.kv.get(1); } catch (error) { return error.constructor.constructor("return process")().version; }',
    control: OUTSIDE,
  },
  {
    title: "the constructor of a promise that it got",
    code: 'return ctx.kv.get("x").constructor.constructor("return process")().version;',
    control: OUTSIDE,
  },
  {
    title: "the prototype of a signal",
    code: 'return Object.getPrototypeOf(req.signal).constructor.constructor("return process")().version;',
    control: OUTSIDE,
  },
  {
    title: "require through an async function made outside",
    code: `return (await req.call.constructor("return process.getBuiltinModule('node:fs')")()).readFileSync("/proc/self/status", "utf8").slice(0, 4);`,
    control: /^Name/,
  },
  { title: "import()", code: 'return (await import("node:process")).version;', control: OUTSIDE },
  {
    title: "stack frames through prepareStackTrace: they tell code and files outside",
    code: `
      Error.prepareStackTrace = (_, frames) => frames;
      let frames = [];
      ctx.log.info({ toString() { frames = new Error("x").stack; return ""; } });
      for (const frame of frames) {
        const caller = frame.getFunction();
        if (typeof caller === "function" && !(caller instanceof Function)) return caller.constructor("return process")().version;
        if (String(frame.getFileName()).startsWith("/")) return frame.getFileName();
      }
      throw new Error("only its own frames: " + (frames.length > 1));`,
    control: /control\.cjs$/,
  },
  {
    title: "a proxy thrown through AggregateError",
    code: `
      let found;
      const trap = new Proxy(() => {}, { apply: (_, self, args) => { found = [self, ...args]; } });
      await ctx.kv.get.call(trap, 1).then(trap, trap);
      const { errors } = new AggregateError(found.filter((thing) => typeof thing === "object" && thing !== null));
      return errors[0].constructor.constructor("return process")().version;`,
    control: OUTSIDE,
  },
  {
    title: "anything of another world among all that can be reached",
    code: `
      const seen = new Set();
      const queue = [globalThis, ctx, req];
      while (queue.length > 0) {
        const thing = queue.pop();
        if ((typeof thing !== "object" && typeof thing !== "function") || thing === null || seen.has(thing)) continue;
        seen.add(thing);
        if (typeof thing === "function" && !(thing instanceof Function) && thing !== Function.prototype)
          return "foreign: " + (thing.name || "a function");
        for (const name of ["derefInto", "applySync", "copyInto", "transferIn"]) if (name in thing) return "foreign: " + name;
        queue.push(Object.getPrototypeOf(thing));
        for (const key of Reflect.ownKeys(thing)) {
          const { value, get, set } = Reflect.getOwnPropertyDescriptor(thing, key);
          queue.push(value, get, set);
          try { queue.push(thing[key]); } catch {}
        }
      }
      throw new Error("nothing in " + seen.size);`,
    control: /^foreign: /,
  },
  {
    title: "shared memory and machine code",
    code: "return typeof WebAssembly.Memory + typeof SharedArrayBuffer + typeof Atomics;",
    control: /^functionfunctionobject$/,
  },
];

/** Leaves a mark on the prototype of whatever world the objects come from. */
export const POLLUTION = `
  for (const thing of [ctx, req, req.input, {}]) Object.getPrototypeOf(thing).polluted = "yes";
  return "done";`;

export interface Exhaustion {
  title: string;
  code: string;
  /** What must have ended it, in the plugin's log or in the caller's error. */
  ended: RegExp;
  /** `grows`: the control passes an isolate host's whole memory; `stuck`: it runs on. */
  control: "grows" | "stuck";
}

const MEMORY = /more memory than its isolate has|MB of memory; its limit is 256 MB|shares with other plugins/;
const ANY_LIMIT = new RegExp(`${MEMORY.source}|did not answer (within \\d+ ms|for \\d+ s)|beyond the deadline`);

export const EXHAUSTIONS: readonly Exhaustion[] = [
  { title: "array push", code: "const all = []; for (;;) all.push({ x: 1, y: [1, 2, 3] });", ended: MEMORY, control: "grows" },
  { title: "one huge array", code: "return new Array(1e9).fill(1).length;", ended: ANY_LIMIT, control: "grows" },
  { title: "Map", code: "const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });", ended: MEMORY, control: "grows" },
  {
    title: "strings",
    code: 'let text = "x"; const all = []; for (;;) { if (text.length < 1e6) text += text; all.push(text.split("")); }',
    ended: MEMORY,
    control: "grows",
  },
  {
    title: "ArrayBuffer",
    code: "const all = []; for (;;) { all.push(new Uint8Array(1 << 20).fill(1)); }",
    ended: new RegExp(`${MEMORY.source}|Array buffer allocation failed`),
    control: "grows",
  },
  {
    title: "sort",
    code: "return Array.from({ length: 5e7 }, (_, i) => -i).sort((a, b) => a - b).length;",
    ended: ANY_LIMIT,
    control: "grows",
  },
  { title: "JSON.stringify(Array(1e8))", code: "return JSON.stringify(Array(1e8)).length;", ended: ANY_LIMIT, control: "grows" },
  { title: "BigInt squaring", code: "let b = 3n; for (;;) b = b * b;", ended: ANY_LIMIT, control: "stuck" },
];

/** What an isolate has not even got, and a process has. */
const WASM_MEMORY: Exhaustion = {
  title: "WebAssembly memory",
  code: `
    const all = [];
    for (;;) {
      const memory = new WebAssembly.Memory({ initial: 1024 });
      new Uint8Array(memory.buffer).fill(1);
      all.push(memory);
      await new Promise(setImmediate);
    }`,
  ended: MEMORY,
  control: "grows",
};

/** Squaring a number takes time before it takes memory, so in a process it is an attack on the processor (A13). */
export const PROCESS_EXHAUSTIONS: readonly Exhaustion[] = [
  ...EXHAUSTIONS.filter(({ control }) => control === "grows"),
  WASM_MEMORY,
];

/** Attacks on the processor: code that does not give it back. @source plugin-platform §10 A13 */
export interface Stall {
  title: string;
  code: string;
}

export const STALLS: readonly Stall[] = [
  { title: "while (true)", code: "while (true);" },
  {
    title: "a storm of microtasks",
    code: "const next = () => void Promise.resolve().then(next); next(); await new Promise(() => {});",
  },
  { title: "a pattern that backtracks", code: 'return { found: /^(a+)+$/.test("a".repeat(60) + "b") };' },
  { title: "BigInt squaring", code: "let b = 3n; for (;;) b = b * b;" },
  { title: "calls to the host without a pause", code: 'for (;;) ctx.log.info("x");' },
];

/** Waits in one call and uses no time at all; an isolate has nothing to wait with. */
export const SLEEP: Stall = {
  title: "a wait that never ends",
  code: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
};
