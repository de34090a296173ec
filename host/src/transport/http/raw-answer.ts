import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Answer } from "./answer.ts";

/** Writes an answer by hand where Node has no response object to offer, and ends the connection. */
export function writeRawAnswer(socket: Duplex, answer: Answer): void {
  const headers = { ...answer.headers, connection: "close", "content-length": String(Buffer.byteLength(answer.text)) };
  const { status } = answer;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("\r\n")}\r\n\r\n${answer.text}`, () =>
    socket.destroy(),
  );
}
