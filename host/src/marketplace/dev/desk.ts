/** Takes plugins from authors' sessions: signed by nobody, confined like everything else, gone with the session. @source plugin-platform §9 `dev` */
import { join } from "node:path";
import type { DevDesk, DevLine, DevOrder, DevSession } from "../../contract/index.ts";
import { discard, isDevId } from "../../format/index.ts";
import { HnError } from "../../foundation/index.ts";
import { AssetStore } from "../store/asset-store.ts";
import { AuthorSession, type SessionRooms } from "./session.ts";

const ID = /^[a-z][a-z0-9-]{1,38}\/[a-z][a-z0-9-]{1,38}$/;

export interface DevDeskOptions extends Omit<SessionRooms, "root" | "assets"> {
  dataDir: string;
  /** Whether the node's owner lets authors in. */
  enabled: boolean;
}

export interface OpenDevDesk extends DevDesk {
  /** Ends every session. */
  close(): Promise<void>;
}

/** What a former run of the node has left of sessions is deleted first. */
export function openDevDesk(options: DevDeskOptions): OpenDevDesk {
  const folder = join(options.dataDir, "marketplace");
  const root = join(folder, "dev");
  discard(root);
  const sessions = new Map<string, AuthorSession>();
  const find = (id: string): AuthorSession => {
    const found = sessions.get(id);
    if (found === undefined)
      throw new HnError("not_found", {
        message: "This session has ended.",
        action: "Start `hearthnet plugin dev` again.",
      });
    return found;
  };
  return {
    open(order: DevOrder, emit: (line: DevLine) => void): DevSession {
      if (!options.enabled) throw new HnError("unauthorized", { reason: "dev_off" });
      if (!ID.test(order.plugin) || !isDevId(order.plugin))
        throw new HnError("bad_request", { message: "A session is about a plugin called dev/NAME." });
      if ([...sessions.values()].some(({ plugin }) => plugin === order.plugin))
        throw new HnError("bad_request", { reason: "dev_taken" });
      const session = new AuthorSession(
        { ...options, root, assets: new AssetStore(folder) },
        { ...order, id: options.newUlid(), emit, onEnd: () => void sessions.delete(session.id) },
      );
      sessions.set(session.id, session);
      emit({ t: "open", session: session.id, plugin: order.plugin });
      return session;
    },
    session: find,
    close: async () => {
      await Promise.all([...sessions.values()].map((session) => session.close()));
    },
  };
}
