/** Attacks on the link to the host: bytes that a plugin writes to its fd 3 by itself. @source plugin-platform §5.3, §10 A15 */
import type { PluginLimits } from "../../../host/src/contract/index.ts";

/** What `naive-host.cjs` has come to. */
export interface NaiveHost {
  rssMb: number;
  answers: number;
  frames: number;
  believed: number;
  credit: number;
  waitsMs: number;
  heldBytes: number;
  /** The error that ended it. */
  died?: string;
}

export interface LinkAttack {
  title: string;
  /** With `frame(header)` and `send(bytes)`; the first call of its process, so its number is 2. */
  code: string;
  /** What the log says ended it. */
  ended: RegExp;
  limits?: PluginLimits;
  /** The call is one that answers in frames. */
  streams?: boolean;
  /** What a host that believes everything does; null while it has not yet. */
  control: (host: NaiveHost) => string | null;
}

export const PRELUDE = `
  const fs = process.getBuiltinModule("node:fs");
  const frame = (header) => {
    const text = Buffer.from(JSON.stringify(header));
    const bytes = Buffer.alloc(8 + text.length, text, "latin1");
    bytes.writeUInt32BE(4 + text.length, 0);
    bytes.writeUInt32BE(text.length, 4);
    text.copy(bytes, 8);
    return bytes;
  };
  const send = (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += fs.writeSync(3, bytes, at);
      } catch (error) {
        if (error.code !== "EAGAIN") throw error;
      }
    }
  };
`;

const MUCH_MB = 150;
const grown = ({ rssMb }: NaiveHost): string | null => (rssMb > MUCH_MB ? `a naive host grew to ${Math.round(rssMb)} MB` : null);

export const LINK_ATTACKS: readonly LinkAttack[] = [
  {
    title: "a frame of 256 MiB",
    code: `send(Buffer.from([16, 0, 0, 0, 0, 0, 0, 100])); for (;;) send(Buffer.alloc(1 << 20, 32));`,
    ended: /larger than 8 MiB/,
    control: grown,
  },
  {
    title: "garbage",
    code: `const { randomFillSync } = process.getBuiltinModule("node:crypto"); const noise = Buffer.alloc(65536); for (;;) send(randomFillSync(noise));`,
    ended: /larger than|contradict|not valid JSON/,
    // The noise says how long its first frame is: endless, or short enough to be read.
    control: (host) => grown(host) ?? (host.died === undefined ? null : `a naive host died of a ${host.died}`),
  },
  {
    title: "a frame that never ends, byte by byte",
    code: `
      send(Buffer.from([0, 64, 0, 0, 0, 0, 0, 100]));
      for (;;) { send(Buffer.from(" ")); await new Promise((resolve) => setTimeout(resolve, 100)); }`,
    // Its pongs are lost in the frame; without this it would be found hung first.
    limits: { maxBlockMs: 30_000 },
    ended: /not finished within 10 s/,
    control: ({ waitsMs, heldBytes }) =>
      waitsMs > 11_000 && heldBytes > 0 ? `a naive host still waits after ${Math.round(waitsMs / 1000)} s` : null,
  },
  {
    title: "the id of an op twice",
    code: `const op = frame({ t: "op", id: 1001, op: "kv.get", args: { key: "x" } }); send(op); send(op);`,
    ended: /id that is not its own or was used/,
    control: ({ answers }) => (answers > 1 ? `a naive host answered ${answers} times` : null),
  },
  {
    title: "frames without credit",
    code: `for (let n = 0; n < 2000; n += 1) send(frame({ t: "frame", id: 2, event: "more", data: { text: "x".repeat(60_000) } }));`,
    streams: true,
    ended: /More frames came than credit was given/,
    control: grown,
  },
  {
    title: "credit for bytes that were never sent",
    code: `send(frame({ t: "credit", id: 2, bytes: 1e9 }));`,
    ended: /Credit was given for bytes that were never sent/,
    control: ({ credit }) => (credit > 0 ? `a naive host would send ${credit} bytes ahead` : null),
  },
  {
    title: "a million ops",
    code: `
      let id = 1001;
      for (let n = 0; n < 1000; n += 1)
        send(Buffer.concat(Array.from({ length: 1000 }, () => frame({ t: "op", id: (id += 2), op: "kv.get", args: { key: "x" } }))));`,
    ended: /did not answer for|Too many ops/,
    control: ({ answers, rssMb }) =>
      answers > 100_000 ? `a naive host answered ${answers} and has ${Math.round(rssMb)} MB` : null,
  },
  {
    title: "an answer to a call that it never had",
    code: `send(frame({ t: "result", id: 4444, output: { forged: true }, meta: {} }));`,
    ended: /came for a call that is not open/,
    control: ({ believed }) => (believed > 0 ? "a naive host believed it" : null),
  },
];
