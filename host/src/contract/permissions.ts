/** The permission catalogue. Weight 0-5; 5 is red. @source plugin-platform §3.1 */
export const PERMISSIONS = {
  "bus.provide": { weight: 1, group: "do", check: "registry.register" },
  "bus.call": { weight: 1, group: "do", check: "bus.dispatch" },
  "events.append": { weight: 2, group: "do", check: "events.append" },
  "events.read": { weight: 2, group: "see", check: "events.feed" },
  "events.push": { weight: 2, group: "do", check: "events.push" },
  "pubsub.publish": { weight: 1, group: "do", check: "pubsub" },
  "pubsub.subscribe": { weight: 1, group: "see", check: "pubsub" },
  "http.mount": { weight: 2, group: "reach", check: "router.mount" },
  "blobs.read": { weight: 2, group: "see", check: "blobs.open" },
  "blobs.write": { weight: 1, group: "do", check: "blobs.put" },
  "dht.find": { weight: 1, group: "reach", check: "dht" },
  "dht.advertise": { weight: 1, group: "reach", check: "dht" },
  "community.read": { weight: 1, group: "see", check: "community" },
  "identity.sign": { weight: 2, group: "do", check: "identity.signDoc" },
  "identity.dh": { weight: 4, group: "do", check: "identity.dh" },
  "availability.set": { weight: 3, group: "do", check: "availability" },
  "transport.relay": { weight: 4, group: "reach", check: "transport" },
  "federation.decide": { weight: 4, group: "do", check: "pipeline.step7" },
  "net.internet": { weight: 2, group: "reach", check: "net.open" },
  "net.lan": { weight: 3, group: "reach", check: "net.open" },
  "net.loopback": { weight: 2, group: "reach", check: "net.open" },
  "net.udp": { weight: 3, group: "reach", check: "net.udp" },
  "storage.kv": { weight: 0, group: "use", check: "kv" },
  "fs.data": { weight: 1, group: "use", check: "argv" },
  "storage.sqlite": { weight: 1, group: "use", check: "argv" },
  "fs.mount": { weight: 3, group: "see", check: "argv" },
  "secret.derive": { weight: 1, group: "use", check: "secrets" },
  "secret.use": { weight: 1, group: "use", check: "secrets" },
  "secret.read": { weight: 3, group: "see", check: "secrets" },
  "proc.worker": { weight: 1, group: "use", check: "supervisor" },
  compute: { weight: 0, group: "use", check: "compute" },
  native: { weight: 5, group: "use", check: "argv" },
  "hw.gpu": { weight: 3, group: "use", check: "argv" },
  "hw.audio": { weight: 3, group: "use", check: "argv" },
  "hw.serial": { weight: 4, group: "use", check: "argv" },
  "hw.usb": { weight: 4, group: "use", check: "argv" },
  "hw.bluetooth": { weight: 4, group: "use", check: "argv" },
  "metrics.read": { weight: 2, group: "see", check: "feed" },
  "system.link": { weight: 1, group: "see", check: "feed" },
  schedule: { weight: 0, group: "use", check: "host" },
  notify: { weight: 1, group: "do", check: "host" },
  "ui.panel": { weight: 1, group: "do", check: "host" },
} as const;

export interface PermissionRow {
  weight: 0 | 1 | 2 | 3 | 4 | 5;
  group: PermissionGroup;
  check: string;
}
type CheckedPermissions<T extends Record<string, PermissionRow>> = T;
export type PermissionTable = CheckedPermissions<typeof PERMISSIONS>;

/** The four groups of the review sheet: may see · may do · may reach · may use. @source admin-ui §5 */
export type PermissionGroup = "see" | "do" | "reach" | "use";
export type PermissionName = keyof typeof PERMISSIONS;

/** Capabilities of the protocol that only this node's operator may call: a grant names them one by one, `*` never means them. @source 00 §3, 20-35, plugin-platform §3.4.6 */
export const SELF_CAPABILITIES: ReadonlySet<string> = new Set([
  "chat.history",
  "chat.mark_read",
  "e2e.file.decrypt",
  "e2e.file.encrypt",
  "e2e.group.open",
  "e2e.group.seal",
  "e2e.open",
  "e2e.reset",
  "e2e.seal",
  "e2e.status",
  "e2e.verify",
  "emergency.override",
  "emergency.probe",
  "emergency.status",
  "federation.authorize",
  "file.delete",
  "file.fetch",
  "file.pin",
  "file.share",
  "file.stat",
  "file.unpin",
  "llm.agent.run",
  "mobile.push.notify",
  "observability.consent.get",
  "observability.consent.set",
  "observability.doctor",
  "rag.corpus.configure",
  "rag.reindex",
  "relay.deregister",
  "relay.dht_bootstrap",
  "relay.register",
  "relay.status",
]);

/** Exclusive roles: at most one active plugin each, given by the operator. @source plugin-platform §3.3 */
export const ROLES = ["blob-store", "relay", "federation-authorizer", "e2e", "availability", "aggregator"] as const;
export type RoleName = (typeof ROLES)[number];
