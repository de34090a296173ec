/** UTF-8 both ways, as `TextEncoder` and `TextDecoder` do it. */

const REPLACEMENT = 0xfffd;

export class GuestEncoder {
  readonly encoding = "utf-8";

  encode(text: string = ""): Uint8Array {
    const bytes = new Uint8Array(byteLength(text));
    let at = 0;
    for (const character of text) {
      const code = wellFormed(character);
      if (code < 0x80) bytes[at++] = code;
      else if (code < 0x800) at = put(bytes, at, [0xc0 | (code >> 6), code]);
      else if (code < 0x1_0000) at = put(bytes, at, [0xe0 | (code >> 12), code >> 6, code]);
      else at = put(bytes, at, [0xf0 | (code >> 18), code >> 12, code >> 6, code]);
    }
    return bytes;
  }
}

/** Bytes of the text in UTF-8. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = wellFormed(character);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

export class GuestDecoder {
  readonly encoding = "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;

  constructor(label: string = "utf-8", options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    if (!/^\s*utf-?8\s*$/i.test(label)) throw new RangeError(`Only UTF-8 is known here, not ${label}.`);
    this.fatal = options.fatal === true;
    this.ignoreBOM = options.ignoreBOM === true;
  }

  /** @throws TypeError when `fatal` is set and the bytes are no UTF-8 */
  decode(data?: ArrayBuffer | ArrayBufferView): string {
    const bytes = asBytes(data);
    const parts: string[] = [];
    let codes: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const { code, size } = read(bytes, at);
      if (code === -1 && this.fatal) throw new TypeError("The encoded data was not valid for encoding utf-8");
      codes.push(code === -1 ? REPLACEMENT : code);
      at += size;
      if (codes.length === 8192) {
        parts.push(String.fromCodePoint(...codes));
        codes = [];
      }
    }
    const text = parts.join("") + String.fromCodePoint(...codes);
    return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}

function put(bytes: Uint8Array, at: number, [lead = 0, ...rest]: number[]): number {
  bytes[at] = lead;
  rest.forEach((code, index) => (bytes[at + 1 + index] = 0x80 | (code & 0x3f)));
  return at + 1 + rest.length;
}

function wellFormed(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return code >= 0xd800 && code <= 0xdfff ? REPLACEMENT : code;
}

/** Smallest code point of a sequence with so many bytes: a longer spelling of a smaller one is no UTF-8. */
const LEAST = [0, 0, 0x80, 0x800, 0x1_0000];

/** One character; `-1` with the bytes to leave out when there is none. */
function read(bytes: Uint8Array, at: number): { code: number; size: number } {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return { code: lead, size: 1 };
  const size = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 && lead < 0xe0 ? 2 : 0;
  if (size === 0) return { code: -1, size: 1 };
  let code = lead & (0x7f >> size);
  for (let index = 1; index < size; index += 1) {
    const next = bytes[at + index] ?? 0;
    if ((next & 0xc0) !== 0x80) return { code: -1, size: index };
    code = (code << 6) | (next & 0x3f);
    if (index === 1 && impossible(code, size)) return { code: -1, size: 1 };
  }
  return { code, size };
}

/** After two bytes it is clear that the spelling is too long, a surrogate, or beyond Unicode. */
function impossible(code: number, size: number): boolean {
  if (size === 2) return false;
  const least = code << (6 * (size - 2));
  const most = least | ((1 << (6 * (size - 2))) - 1);
  return most < (LEAST[size] ?? 0) || (least >= 0xd800 && most <= 0xdfff) || least > 0x10_ffff;
}

function asBytes(data: ArrayBuffer | ArrayBufferView | undefined): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
