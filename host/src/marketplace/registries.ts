import { join } from "node:path";
import { namespaceOf, type IndexRow } from "../format/index.ts";
import { withBundles } from "./bundle/last-source.ts";
import type { BundleShelf } from "./bundle/shelf.ts";
import { namespaceOwners } from "./namespaces.ts";
import type { MarketplaceOptions, RegistrySource, RegistryState } from "./options.ts";
import { folderSource } from "./source/folder.ts";
import { httpSource } from "./source/http.ts";
import { meshSource } from "./source/mesh.ts";
import type { Source } from "./source/source.ts";
import type { MarketplaceState } from "./state.ts";
import { judgeRoot, readAnchor, type Anchor } from "./tuf/anchor.ts";
import { PinnedRoot } from "./tuf/pinned-root.ts";
import { RegistryClient } from "./tuf/registry-client.ts";

type Options = Pick<MarketplaceOptions, "registries" | "clock" | "log" | "buildTime" | "allowDevRoot" | "neighbours">;

interface Waiting {
  registry: RegistrySource;
  source: Source;
  root: PinnedRoot;
  /** While its root is being fetched. */
  arriving: Promise<RegistryClient> | undefined;
}

/** A registry, the root that is trusted for it, and what it has said so far. */
export interface Known {
  registry: RegistrySource;
  anchor: Anchor;
  client: RegistryClient;
}

/** The registries of one node, and which of them speaks for a name. */
export class Registries {
  readonly #o: Options;
  readonly #state: MarketplaceState;
  readonly #clients: Map<string, RegistryClient> = new Map();
  readonly #anchors: Map<string, Anchor> = new Map();
  readonly #sources: Map<string, Source> = new Map();
  readonly #shelf: BundleShelf;
  /** Those whose root is known by its hash alone and was not read yet. */
  readonly #waiting: Map<string, Waiting> = new Map();
  readonly #ownerOf: (namespace: string) => string | undefined;

  /**
   * @param at.folder  where the marketplace keeps its things
   * @param at.shelf   bundles that lie here: whoever has nothing is asked before them
   * @throws bad_request when two claim one namespace, or a root file cannot be used · unauthorized policy for a development root in a release
   */
  constructor(options: Options, at: { state: MarketplaceState; folder: string; shelf: BundleShelf }) {
    this.#o = options;
    this.#shelf = at.shelf;
    this.#state = at.state;
    this.#ownerOf = namespaceOwners(options.registries);
    for (const registry of options.registries) this.#open(registry, join(at.folder, "roots"));
  }

  get ids(): string[] {
    return this.#o.registries.map(({ id }) => id);
  }

  get hasDevelopmentRoot(): boolean {
    return [...this.#clients.values()].some(({ isDevelopment }) => isDevelopment);
  }

  states(): RegistryState[] {
    return this.#o.registries.map(({ id, source, namespaces, embedded = false }) => ({
      id,
      source,
      namespaces,
      embedded,
      ageSeconds: this.#clients.get(id)?.freshness()?.ageSeconds ?? null,
    }));
  }

  /** Rows of every index, each only for the names that its registry may speak for. */
  rows(): IndexRow[] {
    return [...this.#clients].flatMap(([id, client]) => client.rows.filter((row) => this.#ownerOf(namespaceOf(row.id)) === id));
  }

  /** Seconds since the one that was quiet for longest has signed what is shown. */
  ageSeconds(): number {
    return Math.max(0, ...[...this.#clients.values()].map((client) => client.freshness()?.ageSeconds ?? 0));
  }

  /** Name of the registry that speaks for this plugin; empty when none does. */
  nameFor(id: string): string {
    return this.#ownerOf(namespaceOf(id)) ?? "";
  }

  /** The registry that speaks for a namespace, as far as its root is known by now. */
  clientFor(namespace: string): RegistryClient | undefined {
    return this.#clients.get(this.#ownerOf(namespace) ?? "");
  }

  isEmbedded(client: RegistryClient): boolean {
    return this.#o.registries.some(({ id, embedded }) => embedded === true && this.#clients.get(id) === client);
  }

  /** By its name; its root is fetched when it is not there, once for all who ask. @throws as `PinnedRoot.fetch` · unauthorized policy */
  async ready(id: string): Promise<RegistryClient> {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return this.#clients.get(id) as RegistryClient;
    waiting.arriving ??= this.#arrive(waiting).finally(() => {
      waiting.arriving = undefined;
    });
    return waiting.arriving;
  }

  /**
   * The registry whose files these are: the one that trusts one of the roots, else the one of that name. A root that is known by its hash alone is
   * taken from among them.
   * @param o.roots  SHA-256 of each root file → its bytes
   * @throws unauthorized policy for a development root in a release
   */
  meet(id: string, { roots }: { roots: ReadonlyMap<string, Uint8Array> }): Known | undefined {
    for (const [name, { registry, source, root }] of this.#waiting) {
      const bytes = typeof registry.root === "string" ? undefined : roots.get(registry.root.sha256);
      if (bytes === undefined) continue;
      const anchor = judgeRoot(registry, { bytes, allowDevRoot: this.#o.allowDevRoot });
      root.keep(bytes);
      this.#waiting.delete(name);
      this.#add(registry, { source, anchor });
    }
    const known = this.#o.registries.flatMap((registry): Known[] => {
      const [anchor, client] = [this.#anchors.get(registry.id), this.#clients.get(registry.id)];
      return anchor === undefined || client === undefined ? [] : [{ registry, anchor, client }];
    });
    return known.find(({ anchor }) => roots.has(anchor.sha256)) ?? known.find(({ registry }) => registry.id === id);
  }

  /** Where a registry's own files are read. */
  sourceOf(id: string): Source {
    return this.#sources.get(id) as Source;
  }

  /** The root that is trusted for a registry, as far as it is known by now. */
  anchorOf(id: string): Anchor | undefined {
    return this.#anchors.get(id);
  }

  /** Shows what was verified before; a state that cannot be read any more is fetched anew with the next refresh. */
  async openLast(): Promise<void> {
    for (const [id, client] of this.#clients)
      await client
        .openLast()
        .catch((error: unknown) => this.#o.log.warn("the last catalogue cannot be read", { registry: id, error }));
  }

  close(): void {
    for (const { root, source } of this.#waiting.values()) {
      root.close();
      void source.close();
    }
    for (const client of this.#clients.values()) void client.close();
  }

  #open(registry: RegistrySource, folder: string): void {
    const { clock, allowDevRoot } = this.#o;
    const { id, root: trusted } = registry;
    const own = registry.source.includes("://") ? httpSource(registry.source, registry.ca) : folderSource(registry.source);
    const source = withBundles(own, this.#shelf);
    if (typeof trusted === "string") {
      this.#add(registry, { source, anchor: readAnchor({ ...registry, root: trusted }, allowDevRoot) });
      return;
    }
    const sources = (): Source[] => [source, ...this.#neighbours(id)];
    const root = new PinnedRoot({ id, sha256: trusted.sha256, sources, clock, folder });
    const bytes = root.kept();
    if (bytes === undefined) this.#waiting.set(id, { registry, source, root, arriving: undefined });
    else this.#add(registry, { source, anchor: judgeRoot(registry, { bytes, allowDevRoot }) });
  }

  async #arrive({ registry, source, root }: Waiting): Promise<RegistryClient> {
    const bytes = await root.fetch();
    // A bundle may have brought it meanwhile.
    const known = this.#clients.get(registry.id);
    if (known !== undefined) return known;
    const anchor = judgeRoot(registry, { bytes, allowDevRoot: this.#o.allowDevRoot });
    this.#waiting.delete(registry.id);
    return this.#add(registry, { source, anchor });
  }

  #add(registry: RegistrySource, o: { source: Source; anchor: Anchor }): RegistryClient {
    const { clock, log, buildTime } = this.#o;
    const client = new RegistryClient({
      registry,
      ...o,
      isNear: !registry.source.includes("://"),
      neighbours: () => this.#neighbours(registry.id),
      state: this.#state,
      clock,
      log,
      buildTime,
    });
    this.#clients.set(registry.id, client);
    this.#anchors.set(registry.id, o.anchor);
    this.#sources.set(registry.id, o.source);
    return client;
  }

  #neighbours(registry: string): Source[] {
    const { neighbours } = this.#o;
    return neighbours?.near().map((of) => meshSource({ of, registry, neighbours })) ?? [];
  }
}
