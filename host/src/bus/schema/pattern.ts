import { RE2JS } from "re2js";

/** What ajv needs of a regular expression engine. */
export interface Pattern {
  test(text: string): boolean;
  toString(): string;
}

const CHARACTER = String.raw`(?:\[\^?(?:\\[dDwWsS\-\]\\^./]|[^\]\\[])+\]|\\[dDwWsS\-.\\/+*?^$()[\]{}|]|[^\\^$.|?*+()[\]{}])`;
const EXACT = String.raw`(?:\{\d{1,4}\})?`;
/** Anchored at the start, single characters, at most one repetition of open length: a backtracking engine cannot go astray on it. */
const TAME = new RegExp(
  String.raw`^\^(?:${CHARACTER}${EXACT})*(?:${CHARACTER}(?:[*+?]|\{\d{1,5}(?:,\d{0,5})?\}))?(?:${CHARACTER}${EXACT})*\$?$`,
  "u",
);

/**
 * A matcher whose time is linear in the text, whatever the pattern. Simple anchored patterns run on the engine of V8; everything else on
 * RE2, which knows neither look-around nor back-references.
 * @throws Error when the pattern is not regular
 * @source 03 B-1
 */
export function linearPattern(source: string): Pattern {
  if (TAME.test(source)) return new RegExp(source, "u");
  const compiled = RE2JS.compile(RE2JS.translateRegExp(source));
  return { test: (text) => compiled.test(text), toString: () => `re2:${source}` };
}
