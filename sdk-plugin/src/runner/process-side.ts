/** What a process gives the runner: a socket to the host, and files. */
import { FrameChannel, type ByteSocket } from "@hearthnet/host/format";
import { openAssets } from "./assets.ts";
import { openDatabase } from "./database.ts";
import type { ServeOptions } from "./serve.ts";

/** @param socket  the link to the host */
export function processSide(socket: ByteSocket): Pick<ServeOptions, "connect" | "openAssets" | "openDatabase"> {
  return {
    connect: (handlers) =>
      new FrameChannel({
        socket,
        parity: "odd",
        ownsPieces: true,
        // The host wrote these headers itself; its strict parser has seen whatever came from elsewhere.
        parse: JSON.parse,
        onError: (error) => process.stderr.write(`${error.message}\n`),
        ...handlers,
      }),
    openAssets,
    openDatabase,
  };
}
