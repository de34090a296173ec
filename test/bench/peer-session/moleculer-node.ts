/** The called half beside a peer session: an echo on moleculer's TCP transporter, which encrypts and signs nothing. */
import { ServiceBroker } from "moleculer";

const [urls = "", nodeID = ""] = process.argv.slice(2);
const broker = new ServiceBroker({
  nodeID,
  logger: false,
  requestTimeout: 30_000,
  transporter: { type: "TCP", options: { udpDiscovery: false, urls } },
});
broker.createService({
  name: "bench",
  actions: { echo: { handler: (context: { params: unknown }) => Promise.resolve({ output: context.params, meta: {} }) } },
});
await broker.start();
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
