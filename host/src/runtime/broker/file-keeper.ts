/** Files as the operator reaches them: the page and the terminal stand in front of the plugin with the role `blob-store`. @source 30, admin-ui §3 */
import type { Clock, FileCall, FileFacts, FileKeeper, Frame, JsonObject, OpenFile } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { createBlobCid } from "../../identity/index.ts";
import type { RoleCall, RoleHolder } from "../commons/index.ts";
import { isVisibility } from "../permission/index.ts";
import { PIECE_BYTES, Reading } from "./blob-pieces.ts";

const ROLE = "blob-store";
/** A large file from a slow stick takes its time; whoever waits for it can leave at any moment. */
const TRANSFER_MS = 6 * 3_600_000;

/** @param o.holder  asked at each call: plugins come and go */
export function fileKeeper(o: { clock: Clock; holder: () => RoleHolder | null }): FileKeeper {
  const holder = (): RoleHolder => {
    const found = o.holder();
    if (found === null) throw new HnError("not_implemented", { reason: "blob_store_missing" });
    return found;
  };
  const call = (method: string, input: JsonObject, { caller, signal, traceId }: FileCall): RoleCall => ({
    method,
    input,
    caller,
    signal,
    traceId,
    deadline: o.clock.monotonic() + TRANSFER_MS,
  });
  return {
    keeper: () => o.holder()?.pluginId ?? null,
    async put(source, { visibility, filename, mime }, asked) {
      const digest = createBlobCid();
      let size = 0;
      const frames = async function* (): AsyncGenerator<Frame, void, void> {
        for await (const bytes of inPieces(source)) {
          digest.update(bytes);
          size += bytes.byteLength;
          yield { event: "data", data: { bytes: bytes as never } };
        }
      };
      const facts: JsonObject = {
        visibility,
        meta: {},
        ...(filename === undefined ? {} : { filename }),
        ...(mime === undefined ? {} : { mime }),
      };
      const answer = await holder().ask(ROLE, { ...call("put", facts, asked), frames: frames() });
      const { cid } = digest.digest();
      if (answer["cid"] !== cid) throw new HnError("internal_error", { reason: "blob_altered" });
      return { cid, size };
    },
    async open(cid, asked) {
      const frames = holder().stream(ROLE, call("open", { cid }, asked));
      const head = await frames.next();
      const facts = head.done === true || head.value.event !== "head" ? null : factsOf(head.value.data);
      if (facts !== null) return { ...facts, bytes: proven(cid, facts.size, frames) };
      await frames.return({});
      throw new HnError("internal_error", { reason: "blob_altered" });
    },
  };
}

/** What a plugin says of a file; null for what nobody could mean. */
function factsOf({ size, visibility, filename, mime }: JsonObject): (FileFacts & { size: number }) | null {
  if (!isVisibility(visibility) || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return null;
  return {
    size,
    visibility,
    ...(typeof filename === "string" ? { filename } : {}),
    ...(typeof mime === "string" ? { mime } : {}),
  };
}

/** The last piece is held back until all are what the id names, so that whoever counts bytes never takes a wrong file for a whole one. */
async function* proven(cid: string, size: number, frames: AsyncGenerator<Frame, unknown, void>): OpenFile["bytes"] {
  const reading = new Reading(cid);
  reading.begun = true;
  let held: Uint8Array | undefined;
  for await (const { event, data } of frames) {
    const bytes = reading.take(event, data);
    if (reading.size > size) throw new HnError("internal_error", { reason: "blob_altered" });
    if (held !== undefined) yield held;
    held = bytes;
  }
  reading.finish();
  if (reading.size !== size) throw new HnError("internal_error", { reason: "blob_altered" });
  if (held !== undefined && held.byteLength > 0) yield held;
}

/** As large as a frame may be: small ones, as a socket brings them, would cost a round each. */
async function* inPieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.byteLength;) {
      const part = bytes.subarray(at, at + PIECE_BYTES - size);
      at += part.byteLength;
      waiting.push(part);
      size += part.byteLength;
      if (size < PIECE_BYTES) continue;
      yield joined(waiting, size);
      [waiting, size] = [[], 0];
    }
  }
  if (size > 0) yield joined(waiting, size);
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
