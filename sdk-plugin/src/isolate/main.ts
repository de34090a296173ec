/**
 * The program of an isolate host, bundled into `dist/isolate-host.cjs`: confined like a plugin, with many plugins of one publisher inside.
 * Arguments: path of the engine's addon, path of the script that runs first in every isolate.
 * @source plugin-platform §1.2, §1.3
 */
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import type { IsolateOrder, IsolateReport } from "@hearthnet/host/contract";
import { FrameChannel, Lanes, type ByteSocket } from "@hearthnet/host/format";
import { loadEngine } from "./engine.ts";
import { Guest } from "./guest.ts";
import { GuestScript } from "./isolate.ts";
import { giveBackWhenQuiet } from "./spare-memory.ts";

const CONTROL_LANE = 0;
const [addon = "", script = ""] = process.argv.slice(2);
const engine = loadEngine(addon);
const guestScript = new GuestScript(readFileSync(script, "utf8"));
const guests = new Map<number, Guest>();
const tookMemory = giveBackWhenQuiet();

const lanes = new Lanes({
  socket: new Socket({ fd: 3, readable: true, writable: true }),
  // The bundle of a plugin may come after its first messages.
  onLane: (number, lane) => void (number === CONTROL_LANE ? openControl(lane) : openGuest(number, lane)),
  onClose: () => process.exit(1),
});
let control: FrameChannel<IsolateOrder, IsolateReport> | undefined;

function openControl(lane: ByteSocket): void {
  control = new FrameChannel<IsolateOrder, IsolateReport>({
    socket: lane,
    parity: "odd",
    parse: JSON.parse,
    onMessage: (order, attachments) => {
      const bundle = attachments.get("/bundle") ?? new Uint8Array(0);
      void (guests.get(order.lane) ?? openGuest(order.lane, lanes.open(order.lane))).open(order, bundle).then(tookMemory);
    },
    onError: (error) => process.stderr.write(`${error.message}\n`),
  });
}

function openGuest(number: number, lane: ByteSocket): Guest {
  const guest = new Guest({
    engine,
    script: guestScript,
    lane,
    alone: () => guests.size === 1,
    onEnd: (end) => {
      guests.delete(number);
      control?.send({ t: "ended", lane: number, ...end }).catch(() => {});
    },
  });
  guests.set(number, guest);
  return guest;
}
