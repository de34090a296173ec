/**
 * Files by their content: `file.*`, and the host's role `blob-store`.
 * @example
 * hearthnet call file.put --file data_b64=leaflet.pdf --input '{"filename":"leaflet.pdf"}'
 */
import { definePlugin, HnError, type CapabilityRegistration } from "@hearthnet/sdk-plugin";
import { browse } from "./capabilities/browse.ts";
import { pin, remove, stat } from "./capabilities/own.ts";
import { put, resume, type PutDeps } from "./capabilities/put.ts";
import { read } from "./capabilities/read.ts";
import { viewerOf } from "./capabilities/caller.ts";
import type { Manifest } from "./hn-types.ts";
import { notHere } from "./refusal.ts";
import { panelMethods } from "./panel-methods.ts";
import { Copies, FREE_BYTES } from "./replicate/index.ts";
import { blobStoreRole } from "./role/blob-store.ts";
import { openService, type Service } from "./service.ts";
import type { Store } from "./store/index.ts";

let service: Service | null = null;
const copies = new Copies();
let reading: CapabilityRegistration | null = null;

function running(): Service {
  if (service === null)
    throw new HnError("capacity_exceeded", { message: "The file store is just starting. Try again.", retryAfterMs: 1000 });
  return service;
}

function store(): Store {
  return running().opened.store;
}

function putDeps(): PutDeps {
  const { opened, config } = running();
  return {
    store: opened.store,
    hasher: opened.hasher,
    defaultVisibility: () => config().default_visibility,
    partialTtlMs: () => config().resume_partial_ttl_seconds * 1000,
    now: Date.now,
  };
}

const REFS = [
  "read",
  "list",
  "advertise",
  "put",
  "put.resume",
  "stat",
  "browse",
  "pin",
  "unpin",
  "delete",
  "fetch",
  "share",
] as const;

export default definePlugin<Manifest>({
  async setup(ctx) {
    for (const verb of REFS) {
      const registered = await ctx.capabilities.register(`file.${verb}@1.0`);
      if (verb === "read") reading = registered;
    }
  },
  data: {
    async open(_step, ctx) {
      service = await openService(ctx, {
        copies,
        offer: async (freeBytes) => reading?.update(freeBytes > 0 ? { [FREE_BYTES]: freeBytes } : {}),
      });
      void service.opened
        .audit(ctx.signal)
        .then(() => {
          void service?.fetching.beacon.settle();
          return service?.collect();
        })
        .catch((error: unknown) => ctx.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    },
  },
  capabilities: {
    "file.read@1.0": (req) => read(req, store()),
    "file.list@1.0": async ({ input, caller }) => {
      const { limit = 1000 } = input;
      const cids = store().list({ ...input, viewer: viewerOf(caller), limit });
      const next = cids.length === limit ? cids.at(-1) : undefined;
      return { output: { cids, ...(next === undefined ? {} : { next }) } };
    },
    "file.advertise@1.0": async ({ input, caller }) => ({
      output: { recorded: running().fetching.advertised(caller.node_id, input.cids) },
    }),
    "file.put@1.0": (req) =>
      put(
        {
          input: req.input,
          caller: req.caller,
          data: req.binary("/input/data_b64"),
          frames: () => req.frames(),
          elapsedMs: () => req.elapsedMs(),
        },
        putDeps(),
      ),
    "file.put.resume@1.0": (req) => resume(req, putDeps()),
    "file.stat@1.0": async ({ input }) => ({ output: stat(input.cid, store(), (cid) => running().replicating.holders(cid)) }),
    "file.browse@1.0": async ({ input, caller }) => ({
      output: await browse(input, {
        store: store(),
        holders: (cid) => copies.holders(cid),
        self: caller.node_id,
        config: running().config,
        replication: () => running().replicating.facts(),
      }),
    }),
    "file.pin@1.0": async ({ input }) => ({ output: pin(input.cid, true, store()) }),
    "file.unpin@1.0": async ({ input }) => ({ output: pin(input.cid, false, store()) }),
    "file.delete@1.0": async ({ input }) => ({ output: await remove(input.cid, store()) }),
    "file.fetch@1.0": (req) => {
      const { cid, sources = [], priority = "normal" } = req.input;
      return running().fetching.fetch({ cid, sources, priority, signal: req.signal });
    },
    "file.share@1.0": async ({ input }) => {
      const { fetching, replicating, collect } = running();
      if (!(await store().share(input.cid, input.visibility))) throw notHere();
      void fetching.beacon.settle();
      void collect().catch(() => {});
      const id = input.visibility === "private" ? undefined : await replicating.announce(input.cid);
      return { output: id === undefined ? {} : { event_id: id } };
    },
  },
  roles: { "blob-store": blobStoreRole(() => ({ store: store(), fetching: running().fetching })) },
  views: { copies: copies.view },
  topics: { "file.replication.request.<cid>": (message) => running().replicating.onRequest(message) },
  panel: { methods: panelMethods(running) },
  schedules: {
    collect: () => running().collect(),
    replicate: () => running().replicating.tick(),
  },
  async onConfig(next, previous) {
    if (next.blobs_dir !== previous.blobs_dir) return "restart";
    running().configure(next);
    void running()
      .collect()
      .catch(() => {});
    return "applied";
  },
});
