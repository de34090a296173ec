/**
 * The fd 3 frame: one codec and one channel for both ends of a plugin's socket pair. Free of Node built-ins, so that the runner inside
 * the sandbox can bundle it.
 *
 * Rules of a channel: ids and stream numbers come from `nextId()` (host even, plugin odd). A message whose attachments are still under
 * way when its id is aborted is never delivered. `credit` with `bytes` is the channel's own affair; `credit` with `frames` is delivered.
 *
 * What an attachment's pointer is relative to, per message (JSON holds null there unless said otherwise):
 *
 * | Message | Root | Example |
 * |---|---|---|
 * | `call`, `role` | `body`, i.e. `{params, input}` | `/input/image_b64` |
 * | `result` | `{output, meta}` | `/output/audio_b64` |
 * | `frame`, `op.frame` | `{[event]: data}` | `/page/png_b64` |
 * | `op` | `args` | `/body/input/image_b64` (bus.call), `/bytes/0` (workers.run) |
 * | `op.ok` | `{value}` | `/value/output/audio_b64` (bus.call), `/value/bytes/0` (workers.run) |
 * | `event` (restore) | the message | `/state` |
 * | `ok` | `{value}` | `/value` (snapshot of a view) |
 * | `work`, `work.ok` | list of byte arrays beside `msg` / `json`; no null placeholder | `/bytes/0`, `/bytes/1` |
 *
 * @example
 * const channel = new FrameChannel<HostMessage, PluginMessage>({ socket: new Socket({ fd: 3 }), parity: "odd", onMessage, onError });
 * const { json, attachments } = takeBytes({ output, meta });
 * await channel.send({ t: "result", id, output: json.output, meta: json.meta }, attachments);
 */
export { ByNumber } from "./by-number.ts";
export { FrameInbox, FrameOutlet } from "./client-frames.ts";
export { isSocketEnd, readSocketEnd, readSocketFrame, socketFrame } from "./socket-message.ts";
export { encodeFrame, FrameDecoder, protocolError, type DecodedFrame, type HeaderParser } from "./codec.ts";
export {
  FrameChannel,
  SENT,
  type Attachments,
  type ByteSocket,
  type ChannelMessage,
  type FrameChannelOptions,
} from "./channel.ts";
export { Lanes, type LanesOptions } from "./lanes.ts";
export { ownMemory, spend } from "./own-memory.ts";
export type { OpShapes } from "./op-shapes.ts";
export { placeBytes, takeBytes } from "./pointers.ts";
