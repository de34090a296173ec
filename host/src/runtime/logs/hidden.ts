import { printable } from "../process/index.ts";

const HIDDEN = "[hidden]";
/** A very short value would hide half of every line and is no secret worth the name. */
const SHORTEST = 4;
/** Present and former secrets of one plugin, each in its spellings. */
const FORMS_MAX = 512;

/** Takes values that must never be shown out of lines, in whatever form they stand there. */
export class Hidden {
  readonly #forms: readonly string[];

  /** @param former  values that were hidden before stay so: the plugin may still have them */
  constructor(secrets: readonly string[], former?: Hidden) {
    const forms = secrets.filter((secret) => secret.length >= SHORTEST).flatMap(spellings);
    const all = new Set([...forms, ...(former === undefined ? [] : former.#forms)]);
    // The longest first: one may lie within another.
    this.#forms = [...all].slice(0, FORMS_MAX).toSorted((a, b) => b.length - a.length);
  }

  in(text: string): string {
    return this.#forms.reduce((left, form) => left.replaceAll(form, HIDDEN), text);
  }
}

/** As it stands in a line by itself, in JSON, in a URL, and packed. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    printable(secret),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
}
