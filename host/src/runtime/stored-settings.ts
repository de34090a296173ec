/** Settings of plugins as the journal keeps them, their secrets sealed. @source plugin-platform §4.5 */
import type { JsonObject, PluginConfig, StoredRelease } from "../contract/index.ts";
import { checkConfig, describeConfig, mergeSecrets, needsConfig } from "./configuration.ts";
import type { Journal } from "./journal/index.ts";
import type { LogStore } from "./log-store.ts";
import type { Settings } from "./net/index.ts";
import type { SecretBox, Secrets } from "./secrets.ts";

export class StoredSettings {
  readonly #journal: Journal;
  readonly #secrets: SecretBox;
  readonly #logs: LogStore;

  constructor(o: { journal: Journal; secrets: SecretBox; logs: LogStore }) {
    this.#journal = o.journal;
    this.#secrets = o.secrets;
    this.#logs = o.logs;
  }

  /** As the operator sees them. */
  describe(release: StoredRelease): PluginConfig {
    const stored = this.#journal.config(release.id) ?? { value: {}, version: 0 };
    return describeConfig(release, stored, this.#open(release.id));
  }

  /** As the plugin gets them; null while something it needs is not set. */
  ready(release: StoredRelease): JsonObject | null {
    const secrets = this.#open(release.id);
    const value = this.#journal.config(release.id)?.value ?? {};
    return needsConfig(release, value, secrets) ? null : checkConfig(release, value, secrets);
  }

  /** As they stand at each look, for what settings grant. */
  of({ id, manifest }: StoredRelease): Settings {
    const open = (): Secrets => this.#open(id);
    return {
      value: this.#journal.config(id)?.value ?? {},
      schema: manifest.config?.schema ?? null,
      get secrets() {
        return open();
      },
    };
  }

  /**
   * Keeps a new version.
   * @returns what the plugin gets, and whether there was none before
   * @throws schema_mismatch with the fields at fault
   */
  put(release: StoredRelease, value: JsonObject, secrets: Record<string, string>): { checked: JsonObject; isFirst: boolean } {
    const { id } = release;
    const merged = mergeSecrets(release, this.#open(id), secrets);
    const checked = checkConfig(release, value, merged);
    const isFirst = this.#journal.config(id) === undefined;
    this.#journal.setConfig(id, value, this.#secrets.seal(id, merged));
    this.hide(id);
    return { checked, isFirst };
  }

  /** The version before counts again. */
  dropNewest(id: string): void {
    this.#journal.dropNewestConfig(id);
    this.hide(id);
  }

  /** Its secrets turn up in no line of its log. */
  hide(id: string): void {
    this.#logs.hide(id, Object.values(this.#open(id)));
  }

  #open(id: string): Secrets {
    return this.#secrets.open(id, this.#journal.config(id)?.secrets ?? new Uint8Array(0));
  }
}
