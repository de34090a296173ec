/** In a simulated world no room of the host may ask this machine for time or chance: it is told at once where it does. @source network.md N-7 */

/** Where the machine's own may be asked for all the same. */
const ALLOWED: readonly [file: string, why: string][] = [
  ["/identity/ed25519/verify.ts", "only how long a verdict is remembered, not what it is"],
  ["/foundation/storage/", "a name that no other file has"],
  ["/identity/keys/", "keys come from the machine's own chance"],
  ["/identity/tls/", "so do certificates"],
  ["/transport/session/sender.ts", "waits for the end of this turn of the event loop, in which no time passes"],
];

/** @returns lifts the ban */
export function forbidRealTime(): () => void {
  const bans: [holder: object, name: string][] = [
    [Date, "now"],
    [performance, "now"],
    [Math, "random"],
    [globalThis, "setTimeout"],
    [globalThis, "setInterval"],
    [globalThis, "setImmediate"],
  ];
  const restore = bans.map(([holder, name]) => ban(holder as Record<string, (...args: unknown[]) => unknown>, name));
  return () => {
    for (const lift of restore) lift();
  };
}

function ban(holder: Record<string, (...args: unknown[]) => unknown>, name: string): () => void {
  const real = holder[name] as (...args: unknown[]) => unknown;
  const stand = (...args: unknown[]): unknown => {
    const caller = callerOf(stand);
    if (caller.includes("/host/src/") && !ALLOWED.some(([file]) => caller.includes(file)))
      throw new Error(`${name} was asked of the machine at ${caller}`);
    return Reflect.apply(real, holder, args);
  };
  holder[name] = stand;
  return () => {
    holder[name] = real;
  };
}

/** File and line that called; one frame and no text of a stack, because libraries ask some hundred thousand times in a run. */
function callerOf(called: (...args: unknown[]) => unknown): string {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = 1;
  Error.prepareStackTrace = (_error, [site]) => `${site?.getFileName() ?? ""}:${site?.getLineNumber() ?? 0}`;
  try {
    Error.captureStackTrace(holder, called);
    return String(holder.stack);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    if (prepareStackTrace === undefined) delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
    else Error.prepareStackTrace = prepareStackTrace;
  }
}
