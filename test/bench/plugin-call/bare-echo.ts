/** The other end of the baseline: JSON in, the same JSON out, over fd 3, each with its length before it. Unconfined, and nothing is checked. */
import { Socket } from "node:net";
import { readFrames, writeFrame } from "./bare-frames.ts";

const socket = new Socket({ fd: 3, readable: true, writable: true });
readFrames(socket, ({ id, input }) => writeFrame(socket, { id, output: input }));
socket.on("close", () => process.exit(0));
