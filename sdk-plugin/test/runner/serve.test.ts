/** The runner's half of the conversation that authors of runners test against, test/vectors/fd3.json. @source plugin-platform §5.3.5 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { FarEnd, play } from "../../../host/test/support/transcript.ts";
import { until } from "../../../host/test/support/until.ts";
import { definePlugin, frame } from "../../src/index.ts";
import { processSide } from "../../src/runner/process-side.ts";
import { serve } from "../../src/runner/serve.ts";

let pages = 0;
const shelf = new Map<string, Uint8Array>();
const HELLO = "blake3:b8cc5fcfd8bf41058109ac42f3372ab5cf85c099d19a95580391038483dae3a6";

const PAGE = definePlugin({
  async setup(ctx) {
    await ctx.capabilities.register("ext.demo.read@1.0", { params: { fast: true } });
    await ctx.capabilities.register("ext.demo.pages@1.0");
    ctx.log.info("set up", { capabilities: 2 });
  },
  capabilities: {
    "ext.demo.read@1.0": async (req, ctx) => {
      const { large, listen, store, wait } = req.input;
      if (store === true) return { output: { cid: await req.blobs.put(bytesInPieces("hello"), { visibility: "private" }) } };
      if (typeof large === "number") return { output: { large_b64: new Uint8Array(large).fill(65) } };
      if (wait === true)
        return new Promise((_resolve, reject) => {
          req.signal.addEventListener("abort", () => reject(req.signal.reason as Error), { once: true });
        });
      if (listen === true) {
        const meanings = req.stream("ext.demo.look@1", { input: { word: ctx.config["word"] } });
        let heard = 0;
        for (let next = await meanings.next(); ; next = await meanings.next()) {
          if (next.done === true) return { output: { heard, summary: next.value } };
          heard += 1;
        }
      }
      const page = await req.binary("/input/page_b64")?.bytes();
      const { output } = await req.call("ext.demo.look@1", { input: { word: ctx.config["word"] } });
      const back = page === undefined ? {} : { back_b64: Uint8Array.of(page[4] ?? 0, page[3] ?? 0) };
      return { output: { text: output["means"], size: page?.byteLength ?? 0, ...back }, meta: { lines: 1 } };
    },
    "ext.demo.pages@1.0": async function* (req) {
      const total = Number(req.input["pages"]);
      for (let current = 1; current <= total; current += 1) yield frame("progress", { current, total });
      return { pages: total };
    },
  },
  views: {
    pages: {
      reset: () => void (pages = 0),
      apply: ({ data }) => void (pages += Number(data["pages"])),
      snapshotState: () => ({ pages }),
      restoreState: (state) => void ({ pages } = state as { pages: number }),
    },
  },
  topics: { "ext.demo.turned.<page>": ({ topic }) => assert.equal(topic, "ext.demo.turned.2") },
  roles: {
    "blob-store": {
      stat: async ({ input: { cid } }) => ({ size: shelf.get(cid)?.byteLength ?? 0, visibility: "private" }),
      open: async ({ input: { cid } }) => {
        const data = shelf.get(cid) ?? new Uint8Array(0);
        return { stat: { size: data.byteLength, visibility: "private" }, data };
      },
      async put(_req, data) {
        for await (const part of data) shelf.set(HELLO, part);
        return { cid: HELLO };
      },
      async *fetch() {},
    },
  },
  http: {
    "POST /ext/demo/words/:word": async ({ params, body }) => ({
      status: 201,
      headers: { etag: '"1"' },
      json: { word: params["word"], means: body?.["means"] },
    }),
  },
  panel: { methods: { word: (input, ctx) => (input === null ? null : ctx.config["word"]) } },
  onConfig: async () => "applied",
});

async function* bytesInPieces(text: string): AsyncGenerator<Uint8Array, void, void> {
  yield new TextEncoder().encode(text);
}

for (const pieceBytes of [1 << 20, 7])
  it(`says its half byte for byte, and understands the host in pieces of ${pieceBytes} bytes`, async () => {
    const socket = new FarEnd();
    const codes: number[] = [];
    const loaded: string[] = [];
    serve({
      ...processSide(socket),
      load: async (entry) => {
        loaded.push(entry);
        return { default: PAGE };
      },
      manifest: async () => null,
      exit: (code) => void codes.push(code),
    });
    await play({ side: "plugin", socket, pieceBytes });
    await until("it leaves", () => codes.length > 0);
    assert.deepEqual([codes, loaded], [[0], ["/plugin/dist/main.mjs"]]);
  });
