/** Which packages and files a bundle is to carry. */
import type { AssetFile, BundleOrder, PluginManifest } from "../../contract/index.ts";
import { compareVersions, isInRange, namespaceOf } from "../../format/index.ts";
import { HnError, PLATFORM } from "../../foundation/index.ts";
import type { Offer, Offers } from "../offers.ts";
import type { Registries } from "../registries.ts";
import type { Listed } from "../tuf/listed.ts";
import type { RegistryClient } from "../tuf/registry-client.ts";

/** @source marketplace §6.2 */
const MAX_DEPTH = 4;
const PLUGINS_MAX = 200;

export interface PlannedPlugin {
  offer: Offer & { listed: Listed };
  manifest: PluginManifest;
}

export interface Plan {
  plugins: PlannedPlugin[];
  /** Each file once, with a registry that may have it. */
  assets: { file: AssetFile; client: RegistryClient }[];
  /** What the plugins depend on and the bundle does not carry. */
  without: string[];
}

interface PlanRooms {
  offers: Offers;
  registries: Registries;
  /** As for an installation: the catalogue is read before. */
  choose: (id: string, version?: string) => Promise<Offer>;
}

/** @throws not_found · bad_request · not_implemented incompatible · as `Offers.open` · the signal's reason */
export async function planBundle(order: BundleOrder, rooms: PlanRooms, signal?: AbortSignal): Promise<Plan> {
  const platform = order.platform ?? PLATFORM;
  const found = new Map<string, PlannedPlugin>();
  const without = new Set<string>();
  const take = async (offer: Offer, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    if (found.has(offer.id)) return;
    if (depth > MAX_DEPTH || found.size >= PLUGINS_MAX)
      throw new HnError("bad_request", { message: "The plugins depend on more others than one bundle may carry." });
    const planned = await open(offer, { rooms, platform });
    found.set(offer.id, planned);
    for (const [id, range] of Object.entries(planned.manifest.dependencies ?? {})) {
      if (order.withDependencies) await take(await inRange(id, range, rooms), depth + 1);
      else without.add(id);
    }
  };
  for (const wanted of order.plugins) {
    const [id = "", version] = wanted.split("@");
    await take(await rooms.choose(id, version), 0);
  }
  const plugins = [...found.values()];
  const assets = new Map(
    (order.withAssets ? plugins : []).flatMap(({ manifest, offer: { client } }) =>
      neededAssets(manifest, platform).map((file) => [file.sha256, { file, client }] as const),
    ),
  );
  return { plugins, assets: [...assets.values()], without: [...without].filter((id) => !found.has(id)) };
}

async function open(offer: Offer, { rooms, platform }: { rooms: PlanRooms; platform: string }): Promise<PlannedPlugin> {
  const { id, version, listed } = offer;
  if (listed === undefined)
    throw new HnError("bad_request", {
      message: `${id} ${version} came as a file, and no registry names it: nobody could verify it in a bundle.`,
      action: "Hand on its .hnp file instead.",
    });
  const { manifest } = await rooms.offers.open(offer);
  if (!manifest.platforms.includes("any") && !manifest.platforms.includes(platform))
    throw new HnError("not_implemented", {
      reason: "incompatible",
      message: `${id} ${version} runs on ${manifest.platforms.join(", ")}; the bundle is for ${platform}.`,
    });
  return { offer: { ...offer, listed }, manifest };
}

async function inRange(id: string, range: string, rooms: PlanRooms): Promise<Offer> {
  await rooms.choose(id);
  const client = rooms.registries.clientFor(namespaceOf(id));
  const best = ((await client?.versions(id)) ?? [])
    .filter(({ version, custom }) => custom.status === "active" && isInRange(version, range))
    .sort((a, b) => compareVersions(a.version, b.version))
    .at(-1);
  if (best !== undefined) return rooms.choose(id, best.version);
  throw new HnError("not_found", {
    message: `The catalogue has no ${id} ${range}, on which another plugin of the bundle depends.`,
    action: "Leave --with-deps out, or add the registry of that plugin.",
  });
}

/** What a plugin cannot do without on that platform. */
function neededAssets({ assets }: PluginManifest, platform: string): AssetFile[] {
  return (assets ?? [])
    .filter(({ optional, platforms }) => optional !== true && (platforms === undefined || platforms.includes(platform)))
    .flatMap(({ files }) => files);
}
