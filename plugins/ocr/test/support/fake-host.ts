import { createHash } from "node:crypto";
import type { JsonValue } from "@hearthnet/sdk-plugin";
import type { PictureBytes } from "../../src/backends/backend.ts";
import type { WorkBytes } from "../../src/backends/decode-work.ts";
import type { StoredFiles } from "../../src/capabilities/source.ts";
import type { ServiceHost } from "../../src/service.ts";
import type { PageResult } from "../../src/worker/engine.ts";

export interface SentWork {
  message: { op: string; languages: string[] } & Record<string, unknown>;
  bytes: WorkBytes;
  signal: AbortSignal | undefined;
  /** The worker says that a page is drawn. */
  onDrawn: () => void;
}

/** A plugin host that records what it is told; `answer` plays the worker. */
export interface FakeHost extends ServiceHost {
  sent: SentWork[];
  registered: { ref: string; params: Record<string, unknown>; maxConcurrent?: number }[];
  reports: { ok: boolean }[];
  installed: string[];
  answer: (work: SentWork) => Promise<unknown>;
  warmUp: () => Promise<unknown>;
  notes: Map<string, JsonValue>;
  /** What went into the community's log; `logFault` keeps it out. */
  appended: { type: string; data: object; clientId: string }[];
  logFault: Error | null;
  warnings: string[];
}

export function fakeHost(): FakeHost {
  const host: FakeHost = {
    sent: [],
    registered: [],
    reports: [],
    installed: ["deu", "eng"],
    answer: () => Promise.resolve(pageOf("Hallo")),
    warmUp: () => Promise.resolve(null),
    workers: {
      async run(_name, message, options) {
        const { bytes = [], signal, onProgress: onDrawn = () => {} } = options;
        const work = { message: message as SentWork["message"], bytes, signal, onDrawn };
        host.sent.push(work);
        return { json: await (work.message.op === "warm" ? host.warmUp() : host.answer(work)) };
      },
    },
    assets: { list: () => Promise.resolve(host.installed.map((language) => `tessdata/${language}.traineddata.gz`)) },
    capabilities: {
      register(ref, instance) {
        const row = { ref, ...instance, params: { ...instance.params } };
        host.registered.push(row);
        return Promise.resolve({ remove: () => Promise.resolve(void host.registered.splice(host.registered.indexOf(row), 1)) });
      },
    },
    health: { report: (state) => void host.reports.push(state) },
    notes: new Map(),
    kv: {
      get: (key) => Promise.resolve(host.notes.has(key) ? { value: host.notes.get(key) ?? null, version: 1 } : null),
      put: (key, value) => {
        host.notes.set(key, value as JsonValue);
        return Promise.resolve({ written: true, version: 1 });
      },
    },
    appended: [],
    logFault: null,
    events: {
      append(type, data, { clientId }) {
        if (host.logFault !== null) return Promise.reject(host.logFault);
        host.appended.push({ type, data, clientId });
        return Promise.resolve({});
      },
    },
    warnings: [],
    log: { warn: (message) => void host.warnings.push(message) },
  };
  return host;
}

export function pageOf(text: string, change: Partial<PageResult> = {}): PageResult {
  const blocks =
    text === "" ? [] : [{ text, bbox: [1, 2, 3, 4] as [number, number, number, number], confidence: 0.9, language: "deu" }];
  const languages = text === "" ? [] : ["deu"];
  return { text, blocks, languages, confidenceMean: 0.9, width: 10, height: 10, skew: 0, scale: 1, flattened: false, ...change };
}

/** Bytes that nobody should read: the plugin only passes them on. */
export function unreadBytes(size: number): PictureBytes {
  const refuse = (): never => {
    throw new Error("the plugin process must not read pictures");
  };
  return { size, bytes: refuse, text: refuse, stream: refuse };
}

/** A file store of which a test says what is in it. */
export interface FakeFiles extends StoredFiles {
  stored: Map<string, { bytes: PictureBytes; visibility: "private" | "community" | "public"; meta?: object }>;
  /** Nothing can be seen any more, as by another caller. */
  hidden: boolean;
}

export function fakeFiles(): FakeFiles {
  const found = (cid: string): { bytes: PictureBytes; visibility: "private" | "community" | "public"; meta?: object } => {
    const file = files.hidden ? undefined : files.stored.get(cid);
    if (file === undefined) throw Object.assign(new Error("no such file"), { code: "not_found" });
    return file;
  };
  const files: FakeFiles = {
    stored: new Map(),
    hidden: false,
    open: async (cid) => found(cid).bytes,
    stat: async (cid) => {
      const { bytes, visibility, meta } = found(cid);
      return { size: bytes.size, visibility, ...(meta === undefined ? {} : { meta: JSON.parse(JSON.stringify(meta)) as never }) };
    },
    put: async (bytes, { visibility, meta }) => {
      const text = new TextDecoder().decode(bytes as Uint8Array);
      const cid = `blake3:${createHash("sha256").update(text).digest("hex")}`;
      const file = { ...unreadBytes(text.length), text: () => Promise.resolve(text) };
      files.stored.set(cid, { bytes: file, visibility, ...(meta === undefined ? {} : { meta }) });
      return cid;
    },
  };
  return files;
}
