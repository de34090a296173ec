/**
 * What this node is and which plugins it wants. Everything is optional; delete a line and the default stands.
 * Options of `hearthnet up` win over this file.
 */
import { defineConfig } from "./host/src/define-config.ts";

export default defineConfig({
  // name: "Kitchen",                 shown to your neighbours
  // profile: "hearth",               anchor: always on and strong · hearth: ordinary · spark: small
  // listen: "0.0.0.0",               where the bus listens; the page stays on this machine
  // port: 7080,
  // adminPort: 7860,
  // logLevel: "info",
  // discovery: { mdns: true, udp: true },   how neighbours on the same network find each other; { enabled: false } switches it off
  // dev: true,                       let `hearthnet plugin dev` put plugins here that nobody has signed
  // registries: [                    plugins from elsewhere; docs/guide/run-a-node.md
  //   { name: "village", url: "https://plugins.village.example", root: "village.root.json", namespaces: ["village/*"] },
  //   { name: "stick", path: "/media/stick/registry", root: "sha256:…", namespaces: ["acme/*"] },
  // ],
  // marketplace: { askPeers: false, servePackages: false },   plugins from neighbours' nodes, and to them; both are on; docs/guide/run-a-node.md
  // auth: { remoteIssue: "off" },    who may have tokens signed here, and how long they live; docs/guide/run-a-node.md
  // telemetry: { tracesTo: "http://127.0.0.1:4318" },    calls as spans to an OpenTelemetry collector in this house; docs/guide/run-a-node.md
  // rates: { softPerCapability: 10, hardPerCapability: 100, softTotal: 100, hardTotal: 1000, perAddress: 50 },   calls per second of one neighbour
  // policy: { nativePublishers: ["<64 hex digits>"] },   whose plugins may be granted machine code beside those that ship with the host
});
