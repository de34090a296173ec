/** Reasons of the DHT, a part of the table in `reasons.ts`. @source 06 */
export const DHT_REASONS = {
  dht_lookup_failed: {
    code: "partition",
    message: "No node of the DHT could be asked.",
    action: "Check this node's way to the internet and the places under dht.bootstrap, then try again.",
  },
  dht_off: {
    code: "not_implemented",
    message: "This node takes no part in the DHT.",
    action: "Switch it on in hearthnet.config.ts: dht: { enabled: true }.",
  },
  dht_adverts_off: {
    code: "not_implemented",
    message: "This node does not tell the DHT which files it holds.",
    action: "Allow it in hearthnet.config.ts: dht: { advertiseCids: true }. Only public files are told.",
  },
  dht_not_public: {
    code: "not_found",
    message: "No public file with this id is here, and nothing else may be told to the DHT.",
    action: "Share the file with everybody first, or leave it untold.",
  },
} as const;
