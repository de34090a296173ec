import type { Duplex } from "node:stream";

export interface BareFrame {
  id: number;
  input?: unknown;
  output?: unknown;
}

const HEAD_BYTES = 4;

export function writeFrame(socket: Duplex, frame: BareFrame): void {
  const text = JSON.stringify(frame);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + Buffer.byteLength(text));
  bytes.writeUInt32BE(bytes.byteLength - HEAD_BYTES);
  bytes.write(text, HEAD_BYTES);
  socket.write(bytes);
}

export function readFrames(socket: Duplex, onFrame: (frame: BareFrame) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.byteLength >= HEAD_BYTES) {
      const end = HEAD_BYTES + rest.readUInt32BE();
      if (rest.byteLength < end) break;
      onFrame(JSON.parse(rest.toString("utf8", HEAD_BYTES, end)) as BareFrame);
      rest = rest.subarray(end);
    }
  });
}
