import { rawBytes } from "../../bytes.ts";
import type { Answer, AnswerHeaders, FetchInit } from "../../network.ts";
import type { HostLink } from "../host-link.ts";
import { Wire } from "./wire.ts";

const TEXT_MAX = 16_777_216;
/** The host takes no larger one at once. */
const WHOLE_MAX = 1_048_576;

/** `ctx.fetch` over the link. @source plugin-platform §4.3 */
export async function fetchOver(link: HostLink, url: string, init: FetchInit = {}): Promise<Answer> {
  const { method = "GET", headers, body, signal, ...rest } = init;
  const bytes = wholeBody(body);
  const whole = bytes !== undefined && bytes.byteLength <= WHOLE_MAX ? bytes : undefined;
  const upload = body !== undefined && whole === undefined;
  const wire = new Wire(link, {
    name: "net.fetch",
    args: {
      url: String(url),
      method: method.toUpperCase(),
      headers: fields(headers),
      ...(whole === undefined ? {} : { body: whole }),
      ...(upload ? { upload } : {}),
      ...(upload && bytes !== undefined ? { uploadBytes: bytes.byteLength } : {}),
      ...rest,
    },
    signal,
  });
  if (upload) {
    await wire.first("open");
    void send(wire, bytes === undefined ? (body as AsyncIterable<Uint8Array>) : onePiece(bytes));
  }
  return answer(wire, await wire.first("head"));
}

export function fields(headers: FetchInit["headers"]): [string, string][] {
  if (headers === undefined) return [];
  const entries = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  return entries.map(([name, value]) => [String(name), String(value)]);
}

function wholeBody(body: FetchInit["body"]): Uint8Array | undefined {
  return typeof body === "string" ? new TextEncoder().encode(body) : rawBytes(body);
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** What the author's iterable throws ends the request; that the server had enough does not. */
async function send(wire: Wire, body: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces = body[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await pieces.next();
    } catch (error) {
      return wire.close(error);
    }
    try {
      if (next.done === true) return await wire.end();
      await wire.write(next.value);
    } catch {
      await pieces.return?.().catch(() => {});
      return;
    }
  }
}

function answer(wire: Wire, head: Record<string, unknown>): Answer {
  const { status, url, redirected } = head as { status: number; url: string; redirected: boolean };
  let used = false;
  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    if (used) throw new TypeError("The body was read already.");
    used = true;
    for await (const { bytes } of wire.rest()) yield bytes as unknown as Uint8Array;
  }
  const bytes = async (max: number = TEXT_MAX): Promise<Uint8Array> => {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of read()) {
      size += part.byteLength;
      if (size > max) throw new RangeError(`The answer has more than ${max} bytes. Read its body piece by piece, or allow more.`);
      parts.push(part);
    }
    return joined(parts, size);
  };
  const text = async (max?: number): Promise<string> => new TextDecoder().decode(await bytes(max));
  return {
    ok: status >= 200 && status <= 299,
    status,
    url,
    redirected,
    headers: answerHeaders(head["headers"] as [string, string][]),
    get bodyUsed() {
      return used;
    },
    body: { [Symbol.asyncIterator]: () => read() },
    bytes,
    text,
    json: async (max) => JSON.parse(await text(max)) as unknown,
    async cancel() {
      used = true;
      wire.close();
    },
  };
}

function answerHeaders(list: readonly [string, string][]): AnswerHeaders {
  const values = (name: string): string[] => list.filter(([other]) => other === name.toLowerCase()).map(([, value]) => value);
  return {
    get: (name) => (values(name).length === 0 ? null : values(name).join(", ")),
    has: (name) => values(name).length > 0,
    getSetCookie: () => values("set-cookie"),
    [Symbol.iterator]: () => list.map(([name, value]): [string, string] => [name, value])[Symbol.iterator](),
  };
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}
