import type { PictureBytes } from "../../src/backends/backend.ts";
import type { ServiceHost } from "../../src/service.ts";
import type { PageResult } from "../../src/worker/engine.ts";

export interface SentWork {
  message: { op: string; languages: string[] } & Record<string, unknown>;
  bytes: PictureBytes[];
  signal: AbortSignal | undefined;
}

/** A plugin host that records what it is told; `answer` plays the worker. */
export interface FakeHost extends ServiceHost {
  sent: SentWork[];
  registered: { ref: string; params: Record<string, unknown>; maxConcurrent?: number }[];
  reports: { ok: boolean }[];
  installed: string[];
  answer: (work: SentWork) => Promise<unknown>;
  warmUp: () => Promise<unknown>;
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
        const work = { message: message as SentWork["message"], bytes: options.bytes ?? [], signal: options.signal };
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
