/** The network as a plugin has it: the host opens every connection, and closes it when the plugin's right to it ends. @source plugin-platform §4.3 */
import type { HnBytes } from "./bytes.ts";

/** A secret from the settings that the host puts into a header; the plugin never sees it. Needs `secret.use`. */
export interface SecretHeader {
  /** `authorization` */
  header: string;
  /** JSON pointer of the setting, such as `/backends/0/api_key`. It goes to the endpoint beside it in the settings, and nowhere else. */
  secret: string;
  /** `Bearer ` */
  prefix?: string;
}

type Headers = Readonly<Record<string, string>> | Iterable<readonly [name: string, value: string]>;

export interface FetchInit {
  /** Default `GET`; in any case. */
  method?: string;
  headers?: Headers;
  /** An iterable is sent piece by piece, as fast as the server takes it. */
  body?: string | Uint8Array | HnBytes | AsyncIterable<Uint8Array>;
  secrets?: readonly SecretHeader[];
  /** Default `follow`, at most five, each decided over like the first. */
  redirect?: "follow" | "manual" | "error";
  /** Until the answer's header has come; default two minutes, at most ten. */
  timeoutMs?: number;
  /** Closes the connection. */
  signal?: AbortSignal;
}

/** Header fields of an answer; names in any case. */
export interface AnswerHeaders extends Iterable<[name: string, value: string]> {
  /** Values of equal names are joined by a comma. */
  get(name: string): string | null;
  has(name: string): boolean;
  getSetCookie(): string[];
}

/**
 * Answer to a request. Its body waits until it is read: read it, or call `cancel`, for the connection stays open until then and a plugin may have
 * sixteen.
 */
export interface Answer {
  /** True for 200 to 299. */
  readonly ok: boolean;
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: AnswerHeaders;
  readonly bodyUsed: boolean;
  /** Once; leaving the loop closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** All of it. @param max  bytes; default 16 MiB @throws RangeError when there are more */
  bytes(max?: number): Promise<Uint8Array>;
  /** As UTF-8. */
  text(max?: number): Promise<string>;
  json(max?: number): Promise<unknown>;
  /** Nothing more of it is wanted. */
  cancel(): Promise<void>;
}

/** @throws permission_denied · quota_exceeded · partition reason host_unreachable | tls_untrusted · timeout · AbortError */
export type Fetch = (url: string, init?: FetchInit) => Promise<Answer>;

/** Bytes both ways. Iterate over what comes; leaving the loop closes it. */
export interface Connection extends AsyncIterable<Uint8Array> {
  /** Resolves when the bytes were taken: wait for it, and a slow server slows you down instead of filling memory. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more will be written; what comes can still be read. */
  end(): Promise<void>;
  close(): Promise<void>;
}

export interface WebSocketOptions {
  protocols?: readonly string[];
  headers?: Headers;
  secrets?: readonly SecretHeader[];
  signal?: AbortSignal;
}

/** Whole messages of at most 1 MiB both ways: texts are strings, anything else is bytes. Leaving the loop closes it. */
export interface WebSocketConnection extends AsyncIterable<string | Uint8Array> {
  /** What the server chose of the offered ones, or empty. */
  readonly protocol: string;
  send(message: string | Uint8Array): Promise<void>;
  /** @param code  1000, or 3000 to 4999 */
  close(code?: number, reason?: string): Promise<void>;
  /** Code and reason once it has ended; rejects when it broke off. */
  readonly ended: Promise<{ code: number; reason: string }>;
}

export interface Datagram {
  bytes: Uint8Array;
  host: string;
  port: number;
}

/** Answers come from whom was written to, and from neighbours once the granted multicast group was. Leaving the loop closes it. */
export interface DatagramSocket extends AsyncIterable<Datagram> {
  send(datagram: Datagram): Promise<void>;
  close(): Promise<void>;
}

export interface Net {
  /** Needs `net.internet`, `net.lan` or `net.loopback` for `host:port`. TLS is the host's: it checks the certificate against the name. */
  connect(host: string, port: number, options: { tls: boolean; signal?: AbortSignal }): Promise<Connection>;
  /** @param url  `ws:` or `wss:` */
  websocket(url: string, options?: WebSocketOptions): Promise<WebSocketConnection>;
  /** Needs `net.udp`. */
  udp(options?: { ipv6?: boolean; signal?: AbortSignal }): Promise<DatagramSocket>;
}

export interface Secrets {
  /** In plain text. Prefer `secrets` of `fetch`. Needs `secret.read`. @throws permission_denied · not_found while it is not set */
  read(pointer: string): Promise<string>;
  /** 32 bytes that only this plugin gets for this label, the same after every start. Needs `secret.derive`. */
  derive(label: string): Promise<Uint8Array>;
}
