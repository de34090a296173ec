import { HnError } from "../foundation/index.ts";
import type { Io } from "./command.ts";

const MAX_BYTES = 4096;

/** First line of standard input, without its line end. Never echoed, never logged. */
export async function readSecretLine(io: Io): Promise<string> {
  let text = "";
  for await (const chunk of io.stdin.setEncoding("utf8")) {
    text += String(chunk);
    if (text.includes("\n") || Buffer.byteLength(text) > MAX_BYTES) break;
  }
  const line = text.split(/\r?\n/)[0] ?? "";
  if (line === "")
    throw new HnError("bad_request", {
      message: "Nothing came on standard input. Example: echo 'a long password' | hearthnet setup --password-stdin",
    });
  return line;
}
