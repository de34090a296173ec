import { createReadStream } from "node:fs";
import { basename } from "node:path";
import type {
  AssetFile,
  Clock,
  DevLine,
  DevOrder,
  DevSession,
  DevSwap,
  Grant,
  PluginManifest,
  Runtime,
  StoredRelease,
} from "../../contract/index.ts";
import {
  discard,
  isAssetFor,
  isDevVersion,
  readPackage,
  recheckFolder,
  sha256Hex,
  unpackUnsigned,
  type ReadPackage,
} from "../../format/index.ts";
import { HnError, PLATFORM, type UlidFactory } from "../../foundation/index.ts";
import { storedAssets } from "../asset-download.ts";
import { consentTo } from "../consent.ts";
import { checkFit } from "../fit.ts";
import type { AssetStore } from "../store/asset-store.ts";

export interface SessionRooms {
  runtime: Pick<Runtime, "get" | "release" | "stage" | "remove" | "onLog" | "ledgerView">;
  clock: Clock;
  newUlid: UlidFactory;
  hostVersion: string;
  /** Folder of unpacked releases. */
  root: string;
  assets: AssetStore;
  /** Whether the node's owner lets machine code run that nobody has signed. */
  native: boolean;
}

/** Stands where a publisher's key stands: nobody has signed. */
const NO_KEY = "dev";
/** A former release may still finish its calls, and the one before it may come back. */
const FOLDERS_KEPT = 2;

export class AuthorSession implements DevSession {
  readonly id: string;
  readonly plugin: string;
  readonly ended: Promise<void>;
  readonly #rooms: SessionRooms;
  readonly #order: DevOrder & { onEnd: () => void };
  readonly #stops: (() => void)[];
  /** Unpacked releases, newest last. */
  readonly #folders: string[] = [];
  /** Pushes and the end follow each other. */
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  readonly #noteEnd: () => void;

  constructor(rooms: SessionRooms, order: DevOrder & { id: string; emit: (line: DevLine) => void; onEnd: () => void }) {
    this.#rooms = rooms;
    this.#order = order;
    this.id = order.id;
    this.plugin = order.plugin;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#noteEnd = resolve;
    const { runtime } = rooms;
    this.#stops = [
      runtime.onLog(order.plugin, ({ seq: _seq, ...line }) => order.emit({ t: "log", ...line })),
      runtime.ledgerView.onRow(({ plugin, verdict, op, permission, target, at }) => {
        // Rows about rights that were given or taken are the operator's acts.
        if (plugin !== order.plugin || verdict !== "deny" || op === "grant" || op === "ungrant") return;
        order.emit({ t: "denied", at, op, permission, target });
      }),
    ];
  }

  push(bytes: Uint8Array): Promise<DevSwap> {
    return this.#inTurn(async () => {
      if (this.#closing !== undefined) throw new HnError("not_found", { message: "This session has ended." });
      const { runtime, clock } = this.#rooms;
      const start = clock.monotonic();
      const former = runtime.release(this.plugin)?.version ?? null;
      try {
        const release = await this.#release(bytes);
        const status = await runtime.stage(release, this.#grants(release.manifest));
        return { status, ms: clock.monotonic() - start, former };
      } finally {
        this.#forgetOld(runtime.release(this.plugin)?.dir);
      }
    });
  }

  bring(file: Omit<AssetFile, "sources">, source: string): Promise<void> {
    return this.#inTurn(async () => {
      const { assets, newUlid } = this.#rooms;
      if (await assets.isSound(file)) return;
      try {
        await assets.put(file, createReadStream(source) as AsyncIterable<Uint8Array>, { opId: newUlid() });
      } catch (cause) {
        if (HnError.isHnError(cause)) throw cause;
        throw new HnError("bad_request", { message: `The file ${source.slice(0, 200)} cannot be read by the node.`, cause });
      }
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#inTurn(async () => {
      for (const stop of this.#stops) stop();
      try {
        if (this.#rooms.runtime.get(this.plugin) !== undefined)
          await this.#rooms.runtime.remove(this.plugin, { keepData: false });
      } finally {
        for (const dir of this.#folders) discard(dir);
        this.#order.onEnd();
        this.#noteEnd();
      }
    });
    return this.#closing;
  }

  async #release(bytes: Uint8Array): Promise<StoredRelease> {
    const { hostVersion, runtime } = this.#rooms;
    const { manifest, sha256, dir } = await this.#unpack(bytes);
    if (manifest.id !== this.plugin || !isDevVersion(manifest.version))
      throw new HnError("bad_request", {
        message: `This session is about ${this.plugin} 0.0.0-dev.…, not about ${manifest.id} ${manifest.version}.`,
      });
    checkFit(manifest, {
      hostVersion,
      sha256,
      keyId: NO_KEY,
      revocations: [],
      versionOf: (id) => runtime.release(id)?.version,
    });
    return {
      id: manifest.id,
      version: manifest.version,
      sha256,
      dir,
      manifest,
      publisherKeyId: NO_KEY,
      embeddedRoot: false,
      assets: this.#assets(manifest),
    };
  }

  /** An author who takes a change back sends bytes that are here already, and that a former release may still be using. */
  async #unpack(bytes: Uint8Array): Promise<ReadPackage & { dir: string }> {
    const { root, newUlid } = this.#rooms;
    const hash = sha256Hex(bytes);
    const known = this.#folders.find((dir) => basename(dir) === hash);
    const unpacked =
      known !== undefined && recheckFolder(known).length === 0
        ? { ...(await readPackage(bytes)), dir: known }
        : await unpackUnsigned(bytes, { root, opId: newUlid() });
    const others = this.#folders.filter((dir) => dir !== unpacked.dir);
    this.#folders.splice(0, this.#folders.length, ...others, unpacked.dir);
    return unpacked;
  }

  /** Files that lie on this node, be it that the author's terminal has brought them; a session fetches none. */
  #assets(manifest: PluginManifest): StoredRelease["assets"] {
    const { assets } = this.#rooms;
    const stored = storedAssets(manifest, assets);
    const missing = (manifest.assets ?? []).filter(
      (asset) => asset.optional !== true && isAssetFor(asset, PLATFORM) && !Object.hasOwn(stored, asset.name),
    );
    if (missing.length > 0)
      throw new HnError("not_implemented", {
        reason: "model_missing",
        message: `The plugin's files ${missing.map(({ name }) => name).join(", ")} do not lie on this node, and assets.json does not say where they are.`,
        action:
          "Name them in assets.json, install a published version of the plugin once, or mark the asset as optional while you work.",
      });
    return stored;
  }

  /** What the operator allowed when the session began, as far as this release asks for it. */
  #grants(manifest: PluginManifest): Grant[] {
    const { grants, confirmId } = this.#order;
    const asked = [...manifest.permissions, ...(manifest.optionalPermissions ?? [])].map(({ name }) => name as string);
    const named = grants === "all" ? grants : grants.filter((name) => asked.includes(name)).map((permission) => ({ permission }));
    const needed = manifest.permissions.map(({ name }) => name);
    if (needed.length > 0 && named.length === 0)
      throw new HnError("unauthorized", {
        reason: "consent_required",
        message: `${this.plugin} asks for ${needed.join(", ")}; nothing of it was granted.`,
        action: "Start the session with --grant all, or with --grant PERMISSION for each.",
      });
    return consentTo(
      manifest,
      { grants: named, grantedBy: "operator", ...(confirmId === undefined ? {} : { confirmId }) },
      // Nobody has signed this code, so nobody but the node's owner vouches for machine code in it.
      { clock: this.#rooms.clock, nativeAllowed: this.#rooms.native },
    );
  }

  #forgetOld(active: string | undefined): void {
    const old = this.#folders.filter((dir) => dir !== active).slice(0, -FOLDERS_KEPT);
    for (const dir of old) discard(dir);
    this.#folders.splice(0, this.#folders.length, ...this.#folders.filter((dir) => !old.includes(dir)));
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const next = this.#last.then(act, act);
    this.#last = next.catch(() => {});
    return next;
  }
}
