/** Names that others give to files: shown, never used as a path. @source 30 §4.8 */

const NAME_MAX = 255;
/** Control characters, surrogates without their half, and what is invisible or turns text around. */
const DECEPTIVE = /[\p{Cc}\p{Cs}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const MIME = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;

/** NFC, at most 255 characters, without control characters, `/`, `\`, `..` and whatever turns text around; undefined when nothing is left. */
export function cleanName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  let clean = name
    .slice(0, 8 * NAME_MAX)
    .normalize("NFC")
    .replace(DECEPTIVE, "")
    .replace(/[/\\]/g, "");
  // Taking two dots away can bring two others together.
  while (clean.includes("..")) clean = clean.replaceAll("..", "");
  const cut = [...clean.trim()].slice(0, NAME_MAX).join("").trim();
  return cut === "" || cut === "." ? undefined : cut;
}

/** Type and subtype in lower case, no parameters; undefined for anything else. */
export function cleanMime(mime: string | undefined): string | undefined {
  const [type = ""] = mime?.split(";") ?? [];
  const clean = type.trim().toLowerCase();
  return MIME.test(clean) ? clean : undefined;
}
