/**
 * Runs first in every isolate, before the plugin: the same runner as in a process of its own, over the functions that the isolate host
 * lends it. Bundled into `dist/isolate-guest.js`. Those functions are taken off the global object here, so that the plugin never sees them.
 */
import "./platform.ts";
import type { HostMessage, JsonObject } from "@hearthnet/host/contract";
import type { Attachments } from "@hearthnet/host/format";
import { HnError } from "../error.ts";
import type { OpenAssets } from "../runner/assets.ts";
import { serve } from "../runner/serve.ts";
import { openChannel, type Post } from "./channel.ts";

interface Lent {
  /** Is heard a little later. */
  hearthnetPost: Post;
  /** Is heard before it returns; for code that runs on the isolate host's own thread. */
  hearthnetPostAtOnce: Post;
  hearthnetExit: (code: number) => void;
}

/** What the isolate host calls. */
export interface GuestDoor {
  /** Once, with what the bundle exports, or with the text of the error that it ended in. */
  start(plugin: unknown, failure: string | null, manifest: string): void;
  receive: Post;
  /** The same from the isolate host's own thread. */
  receiveAtOnce: Post;
}

const world = globalThis as unknown as Partial<Lent> & { hearthnetGuest?: GuestDoor };
const { hearthnetPost, hearthnetPostAtOnce, hearthnetExit } = world as Lent;
delete world.hearthnetPost;
delete world.hearthnetPostAtOnce;
delete world.hearthnetExit;

/** An isolate has no file system, so no asset can be opened. */
const noAssets: OpenAssets = () => ({
  list: () => Promise.resolve([]),
  path(name) {
    throw new HnError("not_found", { message: `A plugin in an isolate has no files, so the asset ${name} cannot be opened.` });
  },
  on: () => () => {},
  changed() {},
});

let deliver: ((message: HostMessage, attachments: Attachments) => void) | undefined;
/** Fits whoever has called in: all that runs until they are gone was started by them. */
let post = hearthnetPost;
const NO_ATTACHMENTS: Attachments = new Map();

const receive: Post = (message, pointers, ...parts) => {
  deliver?.(JSON.parse(message) as HostMessage, pointers === undefined ? NO_ATTACHMENTS : attachmentsOf(pointers, parts));
};

function attachmentsOf(pointers: string, parts: readonly ArrayBuffer[]): Attachments {
  const names = JSON.parse(pointers) as string[];
  return new Map(names.map((name, index) => [name, new Uint8Array(parts[index] ?? new ArrayBuffer(0))]));
}

world.hearthnetGuest = {
  start(plugin, failure, manifest) {
    const { log } = serve({
      connect: ({ onMessage }) => {
        deliver = onMessage;
        return openChannel((...words) => post(...words));
      },
      openAssets: noAssets,
      openDatabase: () => null,
      load: () =>
        failure === null ? Promise.resolve(plugin === undefined ? {} : { default: plugin }) : Promise.reject(new Error(failure)),
      manifest: () => Promise.resolve(JSON.parse(manifest) as JsonObject),
      exit: hearthnetExit,
    });
    const say =
      (level: keyof typeof log) =>
      (...parts: unknown[]): void =>
        log[level](parts.map((part) => (typeof part === "string" ? part : (JSON.stringify(part) ?? String(part)))).join(" "));
    const levels = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" } as const;
    for (const [name, level] of Object.entries(levels)) Object.assign(console, { [name]: say(level) });
  },
  receive(...words) {
    post = hearthnetPost;
    receive(...words);
  },
  receiveAtOnce(...words) {
    post = hearthnetPostAtOnce;
    receive(...words);
  },
};
