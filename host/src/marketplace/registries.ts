import { join } from "node:path";
import { namespaceOf, type IndexRow } from "../format/index.ts";
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

/** The registries of one node, and which of them speaks for a name. */
export class Registries {
  readonly #o: Options;
  readonly #state: MarketplaceState;
  readonly #clients: Map<string, RegistryClient> = new Map();
  /** Those whose root is known by its hash alone and was not read yet. */
  readonly #waiting: Map<string, Waiting> = new Map();
  readonly #ownerOf: (namespace: string) => string | undefined;

  /**
   * @param at.folder  where the marketplace keeps its things
   * @throws bad_request when two claim one namespace, or a root file cannot be used · unauthorized policy for a development root in a release
   */
  constructor(options: Options, at: { state: MarketplaceState; folder: string }) {
    this.#o = options;
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
    const source = registry.source.includes("://") ? httpSource(registry.source, registry.ca) : folderSource(registry.source);
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
    const anchor = judgeRoot(registry, { bytes: await root.fetch(), allowDevRoot: this.#o.allowDevRoot });
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
    return client;
  }

  #neighbours(registry: string): Source[] {
    const { neighbours } = this.#o;
    return neighbours?.near().map((of) => meshSource({ of, registry, neighbours })) ?? [];
  }
}
