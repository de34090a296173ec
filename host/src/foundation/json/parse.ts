import { CONSTANTS, type JsonValue, REASONS } from "../../contract/index.ts";
import { HnError } from "../errors.ts";

export interface JsonLimits {
  maxBytes?: number;
  maxDepth?: number;
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const FORBIDDEN = new Set(["__proto__", "constructor"]);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HEX4 = /^[0-9a-fA-F]{4}$/;
/** Plain run of a string: no quote, backslash or control character. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SHORT = 40;
const [QUOTE, BACKSLASH, COLON, COMMA, CLOSE_BRACE, CLOSE_BRACKET] = [0x22, 0x5c, 0x3a, 0x2c, 0x7d, 0x5d] as const;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/**
 * The only JSON reader for anything that is sent, signed or typed: one pass, fails closed. Objects have no prototype. It does not rest on
 * `JSON.parse`, which in this V8 may give an escaped key the name of an earlier one (nodejs/node#63785): two nodes would read two values.
 * What is wrong is said with the byte at which it was noticed.
 * @param source  UTF-8 bytes or text
 * @throws bad_request json_invalid | json_duplicate_key | json_too_deep | json_unsafe_number | json_forbidden_key | too_large
 * @source 01 I-4
 */
export function parseStrictJson(source: Uint8Array | string, limits: JsonLimits = {}): JsonValue {
  const maxBytes = limits.maxBytes ?? CONSTANTS.CALL_BODY_CEILING_BYTES;
  // A UTF-16 unit is at least one byte, so this is a cheap first gate for text; the exact one follows.
  if (
    (typeof source === "string" ? source.length : source.byteLength) > maxBytes ||
    (typeof source === "string" && Buffer.byteLength(source) > maxBytes)
  )
    throw new HnError("bad_request", { reason: "too_large" });
  let text: string;
  try {
    text = typeof source === "string" ? source : DECODER.decode(source);
  } catch (cause) {
    throw new HnError("bad_request", { reason: "json_invalid", message: "This is not valid UTF-8.", cause });
  }
  return new Parser(text, limits.maxDepth ?? CONSTANTS.JSON_MAX_DEPTH).document();
}

/**
 * Makes objects that inherit nothing: their prototype is empty, frozen, and has none itself. V8 keeps them in its fast form, where objects from
 * `Object.create(null)` are hash tables that cost three times as much to fill, to read and to write.
 */
class Bare {
  [key: string]: JsonValue;
}
Reflect.deleteProperty(Bare.prototype, "constructor");
Object.freeze(Object.setPrototypeOf(Bare.prototype, null));

class Parser {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): JsonValue {
    this.#space();
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#wrong("json_invalid", "something follows the value");
    return value;
  }

  #value(depth: number): JsonValue {
    const c = this.#text.charCodeAt(this.#at);
    if (c === 0x7b) return this.#object(depth + 1);
    if (c === 0x5b) return this.#array(depth + 1);
    if (c === 0x22) return this.#string();
    if (c === 0x2d || (c >= 0x30 && c <= 0x39)) return this.#number();
    if (this.#text.startsWith("true", this.#at)) return this.#word("true", true);
    if (this.#text.startsWith("false", this.#at)) return this.#word("false", false);
    if (this.#text.startsWith("null", this.#at)) return this.#word("null", null);
    throw this.#wrong("json_invalid", "a value is expected");
  }

  #word<T>(word: string, value: T): T {
    this.#at += word.length;
    return value;
  }

  #object(depth: number): JsonValue {
    if (depth > this.#maxDepth) throw this.#wrong("json_too_deep");
    const object = new Bare();
    this.#at++;
    this.#space();
    if (this.#take(CLOSE_BRACE)) return object;
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== 0x22) throw this.#wrong("json_invalid", "a key is expected");
      const key = this.#string();
      if (FORBIDDEN.has(key)) throw this.#wrong("json_forbidden_key");
      if (key in object) throw this.#wrong("json_duplicate_key");
      this.#space();
      if (!this.#take(COLON)) throw this.#wrong("json_invalid", "a colon is expected");
      this.#space();
      object[key] = this.#value(depth);
      this.#space();
      if (this.#take(CLOSE_BRACE)) return object;
      if (!this.#take(COMMA)) throw this.#wrong("json_invalid", "a comma or brace is expected");
      this.#space();
    }
  }

  #array(depth: number): JsonValue {
    if (depth > this.#maxDepth) throw this.#wrong("json_too_deep");
    const array: JsonValue[] = [];
    this.#at++;
    this.#space();
    if (this.#take(CLOSE_BRACKET)) return array;
    for (;;) {
      array.push(this.#value(depth));
      this.#space();
      if (this.#take(CLOSE_BRACKET)) return array;
      if (!this.#take(COMMA)) throw this.#wrong("json_invalid", "a comma or bracket is expected");
      this.#space();
    }
  }

  #string(): string {
    this.#at++;
    let out = this.#plain();
    while (!this.#take(QUOTE)) {
      if (this.#text.charCodeAt(this.#at) !== BACKSLASH)
        throw this.#wrong("json_invalid", "a string is not closed or holds a control character");
      out += this.#escape();
      out += this.#plain();
    }
    if (!out.isWellFormed()) throw this.#wrong("json_invalid", "a string holds half a character");
    return out;
  }

  /** Up to the next quote, backslash or control character. Short ones are looked at by hand: a regular expression costs more to begin. */
  #plain(): string {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (const end = Math.min(start + SHORT, text.length); at < end; at++) {
      const c = text.charCodeAt(at);
      if (c === QUOTE || c === BACKSLASH || c < 0x20) return text.slice(start, (this.#at = at));
    }
    PLAIN.lastIndex = at;
    PLAIN.test(text);
    return text.slice(start, (this.#at = PLAIN.lastIndex));
  }

  #escape(): string {
    const kind = this.#text[this.#at + 1] ?? "";
    if (kind === "u") {
      const hex = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!HEX4.test(hex)) throw this.#wrong("json_invalid", "an escape is malformed");
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const plain = ESCAPES[kind];
    if (plain === undefined || kind === "") throw this.#wrong("json_invalid", "an escape is malformed");
    this.#at += 2;
    return plain;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) throw this.#wrong("json_invalid", "a number is malformed");
    const value = Number(this.#text.slice(this.#at, NUMBER.lastIndex));
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      throw this.#wrong("json_unsafe_number");
    this.#at = NUMBER.lastIndex;
    return value;
  }

  #space(): void {
    const c = this.#text.charCodeAt(this.#at);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #take(c: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== c) return false;
    this.#at++;
    return true;
  }

  #wrong(reason: JsonFault, what?: string): HnError {
    // Counted in bytes of the UTF-8 form, and only now: no good document pays for it.
    const offset = Buffer.byteLength(this.#text.slice(0, this.#at));
    const said = what === undefined ? REASONS[reason].message.replace(/\.$/, "") : `This is not valid JSON: ${what}`;
    return new HnError("bad_request", { reason, message: `${said} (at byte ${offset}).` });
  }
}

type JsonFault = "json_invalid" | "json_duplicate_key" | "json_too_deep" | "json_unsafe_number" | "json_forbidden_key";
