/** Brings the rooms of this plugin together once its data are open. */
import type { Ctx } from "@hearthnet/sdk-plugin";
import { DEFAULTS, type FilesConfig } from "./config.ts";
import { openFetching, type Fetching } from "./fetch/index.ts";
import { openReplicating, type Replicating, type ReplicatingOptions } from "./replicate/index.ts";
import { Keyring } from "./seal/keyring.ts";
import { openStore, type OpenedStore } from "./store/index.ts";

const DATABASE = "files.db";
const MEGABYTE = 1_048_576;
/** What the host grants where no quota is named. */
const QUOTA_DEFAULT_MB = 64;

export interface Service {
  opened: OpenedStore;
  keyring: Keyring;
  fetching: Fetching;
  replicating: Replicating;
  config: () => FilesConfig;
  /** Makes room, gives up stale uploads, brings files into the form of the settings. */
  collect: () => Promise<void>;
  configure(next: FilesConfig): void;
}

export async function openService(
  ctx: Ctx<FilesConfig>,
  { copies, offer }: Pick<ReplicatingOptions, "copies" | "offer">,
): Promise<Service> {
  let config: FilesConfig = { ...DEFAULTS, ...ctx.config };
  const db = await ctx.sql(DATABASE);
  const keyring = new Keyring(db, await ctx.secrets.derive("at-rest"));
  const opened = await openStore({
    db,
    dir: folderOf(ctx, config.blobs_dir),
    root: await keyring.open(),
    atRest: config.at_rest,
    limits: () => ({
      maxBlobBytes: config.max_blob_bytes,
      quotaBytesPerMember: config.put_quota_bytes_per_member,
      minFreeBytes: config.min_free_bytes,
      quotaBytes: config.blobs_dir.startsWith("/data") ? quotaOf(ctx) : null,
    }),
    onDamage: (what, name) => ctx.log.warn(`A damaged ${what} was put into quarantine.`, { name: name.slice(0, 12) }),
  });
  const { store, hasher } = opened;
  const outward = { ctx, db, store, hasher, config: () => config, holders: (cid: string) => copies.holders(cid) };
  const fetching = openFetching(outward);
  const replicating = openReplicating({ ...outward, fetching, copies, offer });
  let collecting: Promise<void> | null = null;
  const collect = async (): Promise<void> => {
    const { threshold, target } = { threshold: config.gc_threshold, target: Math.min(config.gc_target, config.gc_threshold) };
    const done = await opened.collect({ threshold, target, partialTtlMs: config.resume_partial_ttl_seconds * 1000 });
    if (done.evicted + done.expired > 0) ctx.log.info("Made room.", done);
    await opened.recoder.run(ctx.signal);
  };
  return {
    opened,
    keyring,
    fetching,
    replicating,
    config: () => config,
    collect: () => (collecting ??= collect().finally(() => (collecting = null))),
    configure: (next) => {
      config = { ...DEFAULTS, ...next };
      opened.vault.mode = config.at_rest;
      replicating.configured();
    },
  };
}

/** Where the settings say, in the words of the sandbox. */
function folderOf({ files }: Pick<Ctx, "files">, place: FilesConfig["blobs_dir"]): string {
  if (place === "/data/blobs" && files.dir !== null) return `${files.dir}/blobs`;
  const mount = files.mounts["blobs"];
  if (mount !== undefined) return mount;
  throw new Error(
    "The files are to lie on another disk, but no folder is lent. Lend one: hearthnet plugin grant hearthnet/files fs.mount --folder DIR",
  );
}

function quotaOf({ grants }: Pick<Ctx, "grants">): number {
  const { quotaMb } = grants.scope("fs.data") ?? {};
  return (typeof quotaMb === "number" ? quotaMb : QUOTA_DEFAULT_MB) * MEGABYTE;
}
