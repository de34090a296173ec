/** Verifies batches of signatures in a thread of its own; the same self-test as at the node's start comes first. @source network.md §5 "Verify", N-4 */
import { parentPort } from "node:worker_threads";
import { selfTest } from "../ed25519/self-test.ts";
import { importPublicKey, type PublicKey, verifySignature } from "../ed25519/verify.ts";
import type { Batch, Verdicts } from "./batch.ts";

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEYS_KEPT = 4096;
const keys = new Map<string, PublicKey | null>();

function keyOf(bytes: Uint8Array): PublicKey | null {
  const id = Buffer.from(bytes).toString("latin1");
  let key = keys.get(id);
  if (key === undefined) {
    if (keys.size >= KEYS_KEPT) keys.clear();
    keys.set(id, (key = importPublicKey(bytes.slice())));
  }
  return key;
}

function judge({ id, keys: owners, signatures, lengths, messages }: Batch): Verdicts {
  let start = 0;
  const verdicts = Uint8Array.from(lengths, (length, i) => {
    const message = messages.subarray(start, (start += length));
    const key = keyOf(owners.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES));
    return key !== null && verifySignature(key, message, signatures.subarray(i * SIGNATURE_BYTES, (i + 1) * SIGNATURE_BYTES))
      ? 1
      : 0;
  });
  return { id, verdicts };
}

const port = parentPort;
if (port !== null) {
  await selfTest();
  port.on("message", (batch: Batch) => port.postMessage(judge(batch)));
}
