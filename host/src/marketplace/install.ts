import { readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  Clock,
  Grant,
  InstallProgress,
  InstallRequest,
  PluginManifest,
  PluginStatus,
  StoredRelease,
} from "../contract/index.ts";
import { discard, FILES_FILE, namespaceOf, recheckFolder, sha256Hex } from "../format/index.ts";
import { HnError } from "../foundation/index.ts";
import { fetchAssets } from "./asset-download.ts";
import { carryOver } from "./carry-over.ts";
import { consentTo } from "./consent.ts";
import { checkFit } from "./fit.ts";
import { untilAborted } from "./one-at-a-time.ts";
import type { Offer, Offers, Opened } from "./offers.ts";
import type { MarketplaceOptions } from "./options.ts";
import { buildReview } from "./review.ts";
import type { MarketplaceState } from "./state.ts";
import type { AssetStore } from "./store/asset-store.ts";
import type { PackageStore } from "./store/package-store.ts";

export interface InstallRooms {
  runtime: MarketplaceOptions["runtime"];
  offers: Offers;
  packages: PackageStore;
  assets: AssetStore;
  state: MarketplaceState;
  clock: Clock;
  hostVersion: string;
  /** For neighbours, where they may have it; never fails. */
  keepArchive: (bytes: Uint8Array) => void;
  isFirstParty: (offer: Offer) => boolean;
  /** Whether a publisher may be granted machine code. */
  mayBeNative: (publisher: { keyId: string; embeddedRoot: boolean }) => boolean;
}

/** Whether the embedded root vouches for it: then it is the host's own. */
export function isEmbedded(offer: Offer, { isFirstParty }: Pick<InstallRooms, "isFirstParty">): boolean {
  return isFirstParty(offer) && namespaceOf(offer.id) === "hearthnet";
}

export function isNativeAllowed(offer: Offer, { keyId }: Pick<Opened, "keyId">, rooms: InstallRooms): boolean {
  return rooms.mayBeNative({ keyId, embeddedRoot: isEmbedded(offer, rooms) });
}

/** Where the steps lie on the whole way, per cent. */
const START: Record<InstallProgress["step"], number> = {
  resolve: 0,
  fetch: 5,
  verify: 40,
  unpack: 50,
  assets: 55,
  consent: 85,
  start: 90,
  done: 100,
};

/**
 * Fetch, verify, consent, unpack, assets, start. Nothing is unpacked before it is verified and consented to, and after a refusal or a
 * cancellation nothing stays.
 * @throws with one class of marketplace §5.1 as reason · expired review_stale · unauthorized consent_required · the signal's reason
 * @source marketplace §6
 */
export async function install(offer: Offer, request: InstallRequest, o: InstallRooms & { opId: string }): Promise<PluginStatus> {
  const { signal } = request;
  let from: string | undefined;
  const onSource = (neighbour: string | undefined): void => void (from = neighbour);
  const report = (step: InstallProgress["step"], share = 0): void => {
    const next = [100, ...Object.values(START)].filter((at) => at > START[step]).sort((a, b) => a - b)[0] ?? 100;
    const at = { step, percent: Math.round(START[step] + share * (next - START[step])) };
    request.onProgress?.(from === undefined ? at : { ...at, from });
  };
  report("fetch");
  const sources = offer.client.sources();
  const bytes = await o.offers.fetch(offer, {
    sources,
    onSource,
    ...(signal === undefined ? {} : { signal }),
    onBytes: (done, total) => report("fetch", done / Math.max(total, 1)),
  });
  from = undefined;
  report("verify");
  const opened = await untilAborted(o.offers.judge(bytes, offer), signal);
  check(offer, opened, o);
  checkReview(opened, offer, { request, rooms: o });
  const before = o.runtime.release(offer.id);
  const grants = consent(opened, request, { before, rooms: o, nativeAllowed: isNativeAllowed(offer, opened, o) });
  report("unpack");
  const undo: (() => void)[] = [];
  try {
    const dir = await unpack(bytes, offer, { before, rooms: o, undo, ...(signal === undefined ? {} : { signal }) });
    report("assets");
    const assets = await fetchAssets(opened.manifest, {
      store: o.assets,
      sources,
      onSource,
      opId: o.opId,
      undo,
      onShare: (share) => report("assets", share),
      ...(signal === undefined ? {} : { signal }),
    });
    from = undefined;
    report("consent");
    signal?.throwIfAborted();
    report("start");
    const status = await o.runtime.stage(releaseOf(offer, opened, { dir, assets, embeddedRoot: isEmbedded(offer, o) }), grants);
    o.state.setHighestSeen(offer.id, offer.version);
    o.packages.dropImport(offer.sha256);
    o.state.dropImport(offer.sha256);
    if (offer.listed !== undefined) o.keepArchive(bytes);
    report("done");
    return status;
  } catch (error) {
    // A release that the runtime has taken over is its own to keep or to give up.
    if (o.runtime.release(offer.id)?.sha256 !== offer.sha256) for (const step of undo.reverse()) step();
    throw error;
  }
}

function check(offer: Offer, { manifest, keyId }: Opened, o: InstallRooms): void {
  const installed = o.runtime.release(offer.id);
  const highestSeen = o.state.highestSeen(offer.id);
  checkFit(manifest, {
    hostVersion: o.hostVersion,
    sha256: offer.sha256,
    keyId,
    revocations: offer.client.revocations,
    ...(offer.listed === undefined ? {} : { listed: offer.listed }),
    ...(installed === undefined ? {} : { installed: { version: installed.version, sha256: installed.sha256 } }),
    ...(highestSeen === undefined ? {} : { highestSeen }),
    versionOf: (id) => o.runtime.release(id)?.version,
  });
}

/** An update without an answer from the operator has the rights of the version before; one that asks for more waits, and the former runs on. */
function consent(
  { manifest }: Opened,
  request: InstallRequest,
  { before, rooms, nativeAllowed }: { before: StoredRelease | undefined; rooms: InstallRooms; nativeAllowed: boolean },
): Grant[] {
  const { grants } = request;
  if (grants !== "keep") return consentTo(manifest, { ...request, grants }, { clock: rooms.clock, nativeAllowed });
  if (before === undefined) throw new HnError("not_found", { message: `No plugin ${manifest.id} is installed.` });
  try {
    return carryOver(before.manifest, manifest, rooms.runtime.grants(manifest.id));
  } catch (error) {
    rooms.runtime.awaitConsent(manifest.id, manifest.version);
    throw error;
  }
}

/** What was shown must be what is installed. @source admin-ui §5 "Binding" */
function checkReview(opened: Opened, offer: Offer, o: { request: InstallRequest; rooms: InstallRooms }): void {
  const { reviewDigest } = o.request;
  if (reviewDigest === undefined) return;
  const now = buildReview(opened, offer, { ...o.rooms, nativeAllowed: isNativeAllowed(offer, opened, o.rooms) });
  if (now.reviewDigest !== reviewDigest) throw new HnError("expired", { reason: "review_stale" });
}

async function unpack(
  bytes: Uint8Array,
  offer: Offer,
  o: { before: StoredRelease | undefined; rooms: InstallRooms & { opId: string }; undo: (() => void)[]; signal?: AbortSignal },
): Promise<string> {
  // A release that runs, or that may come back: its folder may be in use and stays where it is.
  const kept = o.rooms.runtime.kept(offer.id).map(({ release }) => release);
  const present = [...(o.before === undefined ? [] : [o.before]), ...kept].find(({ sha256 }) => sha256 === offer.sha256);
  if (present !== undefined && recheckFolder(present.dir).length === 0) return present.dir;
  const { dir } = await o.rooms.packages.unpack(bytes, {
    keys: await o.rooms.offers.keysOf(offer),
    expected: { sha256: offer.sha256, id: offer.id, version: offer.version },
    opId: o.rooms.opId,
    ...(o.signal === undefined ? {} : { signal: o.signal }),
  });
  o.undo.push(() => discard(dir));
  o.rooms.state.setListing(offer.sha256, sha256Hex(readFileSync(join(dir, FILES_FILE))));
  return dir;
}

function releaseOf(
  offer: Offer,
  opened: Opened,
  o: { dir: string; assets: StoredRelease["assets"]; embeddedRoot: boolean },
): StoredRelease {
  const manifest: PluginManifest = opened.manifest;
  return {
    id: offer.id,
    version: offer.version,
    sha256: offer.sha256,
    dir: o.dir,
    manifest,
    publisherKeyId: opened.keyId,
    embeddedRoot: o.embeddedRoot,
    assets: o.assets,
  };
}
