/** In a simulated world no room of the host may ask this machine for time or chance: it is told at once where it does. @source network.md N-7 */

/** Where the machine's own may be asked for all the same. */
const ALLOWED: readonly [file: string, why: string][] = [
  ["/identity/ed25519/verify.ts", "only how long a verdict is remembered, not what it is"],
  ["/foundation/storage/", "a name that no other file has"],
  ["/identity/keys/", "keys come from the machine's own chance"],
  ["/identity/tls/", "so do certificates"],
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
  holder[name] = (...args: unknown[]): unknown => {
    const [, , caller = ""] = (new Error("who asks").stack ?? "").split("\n");
    if (caller.includes("/host/src/") && !ALLOWED.some(([file]) => caller.includes(file)))
      throw new Error(`${name} was asked of the machine ${caller.trim()}`);
    return Reflect.apply(real, holder, args);
  };
  return () => {
    holder[name] = real;
  };
}
