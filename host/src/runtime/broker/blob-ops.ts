/**
 * Files by their content id. The host has none: each op is led to the plugin that holds the role `blob-store`, and the rights of whoever asks are
 * checked here, on what that plugin says of the file.
 * @source plugin-platform §3.1 blobs.*, §3.3, §3.4.6; 30 §1, F2
 */
import type { Frame, JsonObject, JsonValue, Principal, Visibility } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { createBlobCid } from "../../identity/index.ts";
import { isVisibility, mayOpen, storable } from "../permission/index.ts";
import { optionalObject, optionalText } from "./arguments.ts";
import { PIECE_BYTES, pieceOf, Reading } from "./blob-pieces.ts";
import { cidOf, ROLE, roleCall, shortOf, statOf, storeOf } from "./blob-role.ts";
import { refuseCaller } from "./caller-right.ts";
import type { OpFamily } from "./op-family.ts";
import type { OpCall } from "./scope.ts";

const TRANSFER_MS = 600_000;

export const BLOB_OPS: OpFamily<"blobs"> = {
  "blobs.stat": async (op) => {
    const cid = cidOf(op);
    op.scope.grants().require("blobs.read", cid);
    const stat = await statOf(op, cid);
    checkSeen(op, stat);
    return stat;
  },
  "blobs.open": async (op) => {
    const cid = cidOf(op);
    op.scope.grants().require("blobs.read", cid);
    const frames = storeOf(op).stream(ROLE, roleCall(op, { method: "open", input: { cid }, limitMs: TRANSFER_MS }));
    const reading = new Reading(cid);
    for await (const { event, data } of frames) {
      if (event === "head" && !reading.begun) {
        checkSeen(op, data);
        reading.begun = true;
        await op.frame("head", data);
      } else {
        const bytes = reading.take(event, data);
        op.note({ bytesIn: reading.size });
        await op.frame("data", { bytes: bytes as never });
      }
    }
    reading.finish();
    return {};
  },
  "blobs.fetch": async (op) => {
    const cid = cidOf(op);
    op.scope.grants().require("blobs.read", cid);
    refuseCaller(op, (caller) => caller.kind === "self" || caller.kind === "member" || caller.kind === "plugin");
    const sources: JsonValue = op.args["sources"] ?? [];
    const input = { cid, sources };
    const frames = storeOf(op).stream(ROLE, roleCall(op, { method: "fetch", input, limitMs: TRANSFER_MS }));
    for (;;) {
      const next = await frames.next();
      if (next.done === true) return next.value;
      await op.frame(next.value.event, next.value.data);
    }
  },
  "blobs.put": async (op) => {
    const { scope, args } = op;
    const visibility = args["visibility"];
    if (!isVisibility(visibility))
      throw new HnError("bad_request", { message: "The argument visibility must be private, community or public." });
    op.note({ target: visibility });
    const quotaBytes = scope.grants().store(visibility);
    refuseCaller(op, (caller) => mayPut(op, caller, visibility));
    const [mime, meta] = [optionalText(args, "mime", 128), optionalObject(args, "meta")];
    const input = { visibility, meta, ...(mime === undefined ? {} : { mime }) };
    const writing = new Writing(op, quotaBytes);
    const call = roleCall(op, { method: "put", input, limitMs: TRANSFER_MS });
    const answer = await storeOf(op).ask(ROLE, { ...call, frames: writing.frames() });
    const { cid, size } = writing.finish();
    if (answer["cid"] !== cid) throw new HnError("internal_error", { reason: "blob_altered" });
    op.note({ target: shortOf(cid) });
    scope.commons.store.noteBlob(scope.pluginId, { cid, size });
    return { cid };
  },
};

/**
 * The plugin's grant and the caller's right, on what the file store says of the file. Whoever may not see it learns no more than of one that is
 * not there.
 */
function checkSeen(op: OpCall, stat: JsonObject): void {
  const { scope, parent } = op;
  const { visibility } = stat;
  if (!isVisibility(visibility))
    throw new HnError("internal_error", { message: "The file store does not say who may see the file." });
  scope.grants().open({ visibility, own: parent === null });
  if (parent === null || callerSees(op, parent.call.caller, visibility)) return;
  op.note({ denied: true });
  throw new HnError("not_found", { message: "There is no such file here." });
}

/** @source 30 F2 */
function callerSees({ scope: { commons } }: OpCall, caller: Principal, visibility: Visibility): boolean {
  switch (caller.kind) {
    case "self":
      return true;
    case "plugin": {
      const grants = commons.grantsOf(caller.plugin_id ?? "");
      return grants !== undefined && mayOpen(grants, { visibility, own: true });
    }
    case "member":
      return visibility !== "private";
    case "federated":
      return visibility === "public";
    case "stranger":
      return false;
  }
}

function mayPut({ scope: { commons } }: OpCall, caller: Principal, visibility: Visibility): boolean {
  if (caller.kind === "self" || caller.kind === "member") return true;
  const grants = caller.kind === "plugin" ? commons.grantsOf(caller.plugin_id ?? "") : undefined;
  return grants !== undefined && storable(grants, visibility) !== undefined;
}

/** Bytes on their way to the file store, counted and named. */
class Writing {
  readonly #op: OpCall;
  readonly #quotaBytes: number;
  readonly #digest = createBlobCid();
  #size = 0;

  constructor(op: OpCall, quotaBytes: number) {
    this.#op = op;
    this.#quotaBytes = quotaBytes;
  }

  async *frames(): AsyncGenerator<Frame, void, void> {
    const { args, frames } = this.#op;
    if (frames === undefined) {
      const whole: unknown = args["data"];
      if (!(whole instanceof Uint8Array)) throw new HnError("bad_request", { message: "The argument data must be bytes." });
      for (let at = 0; at < whole.byteLength; at += PIECE_BYTES) yield this.#piece(whole.subarray(at, at + PIECE_BYTES));
      return;
    }
    for await (const { event, data } of frames)
      yield this.#piece(
        pieceOf(event, data, () => new HnError("bad_request", { message: "Bytes are stored in pieces of at most 256 KiB." })),
      );
  }

  finish(): { cid: string; size: number } {
    return { cid: this.#digest.digest().cid, size: this.#size };
  }

  /** @throws quota_exceeded */
  #piece(bytes: Uint8Array): Frame {
    const { scope, note } = this.#op;
    this.#size += bytes.byteLength;
    note({ bytesOut: this.#size });
    if (scope.commons.store.blobBytes(scope.pluginId) + this.#size > this.#quotaBytes)
      throw new HnError("quota_exceeded", {
        message: `The plugin may store ${Math.floor(this.#quotaBytes / 1_048_576)} MB of files, and this would be more.`,
        action: "Grant it a larger quota.",
      });
    this.#digest.update(bytes);
    return { event: "data", data: { bytes: bytes as never } };
  }
}
