import type { PermissionName } from "../../contract/index.ts";
import { CAPABILITY, closed, COUNT, FLAG, LIST, POINTER, type Schema, SLUG, TEXT } from "./parts.ts";

const QUOTA = closed({ "quotaMb?": COUNT(1, 1_048_576) });
const HOSTS: Schema = { oneOf: [closed({ hosts: LIST(TEXT(260), 64) }), closed({ fromConfig: TEXT(200) })] };
const DEVICES = closed({ "devices?": LIST(TEXT(200), 16) });
const NONE = closed({});

/** Shape of each permission's scope; a wider or unknown shape is a manifest error, never a wider right. @source plugin-platform §3.1 */
export const SCOPES: Record<PermissionName, Schema> = {
  "bus.provide": closed({
    prefixes: {
      ...LIST({ type: "string", pattern: "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*\\.$", maxLength: 64 }, 16),
      minItems: 1,
    },
  }),
  "bus.call": closed({
    capabilities: LIST({ type: "string", pattern: "^(\\*|[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+@\\d{1,5})$" }, 64),
    "own?": FLAG,
    "tokensPerMin?": COUNT(1, 100_000_000),
  }),
  "events.append": closed({ types: LIST(CAPABILITY, 64) }),
  "events.read": closed({ types: LIST({ type: "string", maxLength: 64 }, 64) }),
  "events.push": NONE,
  "pubsub.publish": closed({ topics: LIST(TEXT(80), 32) }),
  "pubsub.subscribe": closed({ topics: LIST(TEXT(80), 32) }),
  "http.mount": closed({ prefix: TEXT(64), auth: LIST(SLUG, 8) }),
  "blobs.read": closed({ visibility: { enum: ["private", "community", "public"] }, "own?": FLAG }),
  "blobs.write": closed({ visibility: { enum: ["private", "community", "public"] }, "quotaMb?": COUNT(1, 1_048_576) }),
  "dht.find": NONE,
  "dht.advertise": NONE,
  "community.read": NONE,
  "identity.sign": closed({ docs: LIST({ enum: ["plugin-sig", "cosign", "federation-manifest"] }, 3) }),
  "identity.dh": NONE,
  "availability.set": closed({ flags: LIST(SLUG, 16) }),
  "transport.relay": NONE,
  "federation.decide": NONE,
  "net.internet": HOSTS,
  "net.lan": HOSTS,
  "net.loopback": { oneOf: [closed({ ports: LIST(COUNT(1, 65_535), 32) }), closed({ fromConfig: TEXT(200) })] },
  "net.udp": { oneOf: [closed({ hosts: LIST(TEXT(260), 64) }), closed({ multicast: TEXT(64) })] },
  "storage.kv": QUOTA,
  "fs.data": QUOTA,
  "storage.sqlite": NONE,
  "fs.mount": closed({ name: SLUG, mode: { enum: ["ro", "rw"] } }),
  "secret.derive": closed({ labels: LIST(SLUG, 16) }),
  "secret.use": closed({ names: LIST(POINTER, 32) }),
  "secret.read": closed({ names: LIST(POINTER, 32) }),
  "proc.worker": closed({ workers: { ...LIST(SLUG, 16), minItems: 1 }, "threads?": FLAG }),
  compute: closed({ classes: LIST({ enum: ["cpu-heavy", "gpu"] }, 2) }),
  native: closed({ mode: LIST({ enum: ["addon", "exec"] }, 2) }),
  "hw.gpu": DEVICES,
  "hw.audio": DEVICES,
  "hw.serial": DEVICES,
  "hw.usb": DEVICES,
  "hw.bluetooth": DEVICES,
  "metrics.read": NONE,
  "system.link": NONE,
  schedule: NONE,
  notify: NONE,
  "ui.panel": NONE,
};

/** Scopes to which the operator adds something of their own: the folder that a plugin only knows by its name. */
export const GRANTED: Partial<Record<PermissionName, Schema>> = {
  "fs.mount": closed({
    name: SLUG,
    mode: { enum: ["ro", "rw"] },
    "path?": { type: "string", pattern: "^/[^\\u0000-\\u001f]*$", maxLength: 4096 },
  }),
};
