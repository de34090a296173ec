/**
 * Room `admin`, floor 7: lets the owner see and steer the node: the page on loopback and the operator socket for the terminal, one API behind both.
 *
 * @example
 * const admin = await openAdmin({ services, dataDir, port: 0, uiDir });
 * console.log(admin.url, admin.setupLink()); // http://hearth.localhost:41234 http://hearth.localhost:41234/setup#…
 */
export { metricsText } from "./api/meters.ts";
export { openAdmin, type Admin } from "./open.ts";
export type { AdminServices } from "./services.ts";
