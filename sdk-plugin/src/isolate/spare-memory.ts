import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const QUIET_MS = 1000;

/**
 * Gives back what this process took to start and to take in bundles, once nothing of that kind has happened for a second: V8 keeps it for what comes
 * next, and next to nothing comes, for plugins live in isolates of their own. Costs some milliseconds.
 * @returns to be called after whatever took memory
 */
export function giveBackWhenQuiet(): () => void {
  const collect = openCollector();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => collect({ type: "major", flavor: "last-resort" }), QUIET_MS);
    timer.unref();
  };
}

/** The flag holds for this one context: no isolate that is made afterwards has the function. */
function openCollector(): (o: { type: "major"; flavor: "last-resort" }) => void {
  setFlagsFromString("--expose-gc");
  try {
    return runInNewContext("gc") as ReturnType<typeof openCollector>;
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
