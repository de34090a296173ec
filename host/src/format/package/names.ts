import { HnError } from "../../foundation/index.ts";

const WINDOWS_DEVICES = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
const MAX_BYTES = 200;
const MAX_LEVELS = 12;

/**
 * The only names a package may use: relative, `/`-separated, NFC, safe on every system.
 * @throws bad_request archive_path
 * @source marketplace §1 "names"
 */
export function checkEntryName(name: string): void {
  const wrong = (why: string): HnError =>
    new HnError("bad_request", { reason: "archive_path", message: `The package holds a path that is not allowed (${why}).` });
  if (name === "" || Buffer.byteLength(name) > MAX_BYTES) throw wrong("empty or longer than 200 bytes");
  if (/[\p{Cc}\\:*?"<>|]/u.test(name)) throw wrong("a character that some systems read differently");
  if (name.normalize("NFC") !== name) throw wrong("not in normal form");
  const segments = name.split("/");
  if (segments.length > MAX_LEVELS) throw wrong("more than 12 levels");
  for (const segment of segments) {
    if (segment === "" || segment === "." || segment === "..") throw wrong("an empty segment or one of dots");
    if (/[. ]$/.test(segment)) throw wrong("a segment that ends in a dot or space");
    if (WINDOWS_DEVICES.test(segment)) throw wrong("a device name");
  }
}

/** Two names that one file system may take for the same. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}
