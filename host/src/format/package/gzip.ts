import { crc32, createInflateRaw, gzipSync } from "node:zlib";
import { CONSTANTS } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
const TRAILER = 8;
const FEED = 65_536;

/** Level 9 with an empty header: no name, no time, no system. @source marketplace §1 "container" */
export function compress(tar: Uint8Array): Buffer {
  return Buffer.concat([HEADER, gzipSync(tar, { level: 9 }).subarray(HEADER.byteLength)]);
}

/**
 * Unpacks one gzip member chunk by chunk and stops at the limits before memory is spent on a bomb.
 * @param sink  gets the chunks in order; what it throws ends the reading
 * @returns unpacked bytes
 * @throws bad_request damaged | archive_limits
 * @source marketplace §1 "caps", "reading"
 */
export async function decompress(packed: Uint8Array, sink: (chunk: Buffer) => void): Promise<number> {
  if (packed.byteLength > CONSTANTS.PACKAGE_MAX_BYTES)
    throw new HnError("bad_request", { reason: "archive_limits", message: "The package is larger than 64 MiB." });
  if (packed.byteLength < HEADER.byteLength + TRAILER || !HEADER.equals(packed.subarray(0, HEADER.byteLength)))
    throw damaged("it does not begin as a HearthNet package does");
  const cap = Math.min(CONSTANTS.PACKAGE_UNPACKED_MAX_BYTES, packed.byteLength * CONSTANTS.PACKAGE_MAX_RATIO + 65_536);
  const inflate = createInflateRaw();
  let total = 0;
  let sum = 0;
  let inSink = false;
  const feeding = feed(inflate, packed.subarray(HEADER.byteLength));
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      total += chunk.byteLength;
      if (total > cap)
        throw new HnError("bad_request", {
          reason: "archive_limits",
          message: "The package unpacks to far more than its size allows.",
        });
      sum = crc32(chunk, sum);
      inSink = true;
      sink(chunk);
      inSink = false;
    }
  } catch (error) {
    // A full disk or a cancelled installation says nothing about the package.
    if (inSink || HnError.isHnError(error)) throw error;
    throw damaged("it cannot be unpacked", error);
  } finally {
    inflate.destroy();
    await feeding;
  }
  const end = HEADER.byteLength + inflate.bytesWritten;
  const trailer = Buffer.from(packed.buffer, packed.byteOffset + end, packed.byteLength - end);
  if (trailer.byteLength !== TRAILER || trailer.readUInt32LE(0) !== sum >>> 0 || trailer.readUInt32LE(4) !== total >>> 0)
    throw damaged("its checksum does not fit, or something follows its end");
  return total;
}

async function feed(inflate: ReturnType<typeof createInflateRaw>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength && !inflate.destroyed && !inflate.writableEnded; at += FEED) {
    const more = inflate.write(bytes.subarray(at, at + FEED));
    if (!more) await drained(inflate);
  }
  if (!inflate.destroyed) inflate.end();
}

function drained(inflate: ReturnType<typeof createInflateRaw>): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      inflate.off("drain", go).off("close", go);
      resolve();
    };
    inflate.on("drain", go).on("close", go);
  });
}

function damaged(why: string, cause?: unknown): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: `The package is damaged: ${why}.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
