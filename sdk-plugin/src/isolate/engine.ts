/** The addon, from the path that the daemon gave; `require` would look around for it. */
import type ivm from "isolated-vm";

export type Engine = typeof ivm;

/** @throws Error when it was built for another Node */
export function loadEngine(path: string): Engine {
  const module = { exports: {} as { ivm?: Engine } };
  process.dlopen(module, path);
  if (module.exports.ivm === undefined) throw new Error(`${path} is not the isolate engine.`);
  return module.exports.ivm;
}
