const HIDDEN = "[hidden]";
/** A very short value would hide half of every line and is no secret worth the name. */
const SHORTEST = 4;

/** Takes values that must never be shown out of lines, in whatever form they stand there: as they are, or inside JSON. */
export class Hidden {
  readonly #forms: readonly string[];

  constructor(secrets: readonly string[]) {
    const forms = secrets
      .filter((secret) => secret.length >= SHORTEST)
      .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())]);
    // The longest first: one may lie within another.
    this.#forms = [...new Set(forms)].toSorted((a, b) => b.length - a.length);
  }

  in(text: string): string {
    return this.#forms.reduce((left, form) => left.replaceAll(form, HIDDEN), text);
  }
}
