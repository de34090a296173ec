/** The network as a plugin may have it: opened, decided over and counted by the host, address by address. */
export { EgressMeter, type EgressFigures } from "./egress.ts";
export { typedAt, type Settings } from "./endpoints.ts";
export { fetchFor, type FetchRequest } from "./fetch.ts";
export { readFields } from "./headers.ts";
export { Network } from "./network.ts";
export { connectFor } from "./plain.ts";
export { pretendFetch, pretendConnect, pretendUdp, pretendWebSocket } from "./pretend.ts";
export { readSecretHeaders, secretAt } from "./secret-headers.ts";
export type { Talk } from "./talk.ts";
export { parseTarget } from "./target.ts";
export { udpFor } from "./udp.ts";
export { SYSTEM_WAYS, type NetWays } from "./ways.ts";
export { webSocketFor } from "./websocket.ts";
