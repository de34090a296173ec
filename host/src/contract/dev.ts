/** An author's session on a live node: `hearthnet plugin dev`. @source plugin-platform §9 `dev` */
import type { AssetFile, PluginLogLine, PluginStatus } from "./plugin.ts";

/** What an author's terminal asks for when it opens a session. */
export interface DevOrder {
  /** `dev/NAME` */
  plugin: string;
  /** Rights of every release of the session, as far as its manifest asks for them. */
  grants: "all" | string[];
  /** The plugin's id once more, where it asks for far-reaching rights. */
  confirmId?: string;
}

/** One line of the session's stream. */
export type DevLine =
  | { t: "open"; session: string; plugin: string }
  | ({ t: "log" } & Omit<PluginLogLine, "seq">)
  | {
      t: "denied";
      /** Unix milliseconds. */
      at: number;
      op: string;
      /** Empty for an operation that does not exist. */
      permission: string;
      target: string;
    };

/** How one save arrived. */
export interface DevSwap {
  status: PluginStatus;
  /** From the package's arrival to the moment from which the new release answers, milliseconds. */
  ms: number;
  /** Version whose place it took; null for the first. */
  former: string | null;
}

export interface DevSession {
  readonly id: string;
  /** When the plugin is gone. */
  readonly ended: Promise<void>;
  /**
   * Unpacks the release, starts it beside the one that serves and lets it take over; when it cannot, the former one runs on.
   * @throws as `readPackage` · unauthorized consent_required · not_implemented incompatible · plugin_gone start_failed | probe_failed
   */
  push(bytes: Uint8Array): Promise<DevSwap>;
  /**
   * Takes a file of an asset from a path of this machine, unless it lies here already.
   * @throws bad_request damaged
   */
  bring(file: Omit<AssetFile, "sources">, source: string): Promise<void>;
  /** Removes the plugin with its data. */
  close(): Promise<void>;
}

export interface DevDesk {
  /** @throws unauthorized dev_off · bad_request dev_taken */
  open(order: DevOrder, emit: (line: DevLine) => void): DevSession;
  /** @throws not_found */
  session(id: string): DevSession;
}
