import { resolve } from "node:path";
import { UsageError } from "../../command-line/index.ts";
import type { Diagnosis, NodeFacts, PeerRow, PluginStatus } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Command } from "../command.ts";
import { readSecretLine } from "../prompt.ts";
import { table } from "../table.ts";

const SIGNS: Record<Diagnosis["state"], string> = { ok: "ok  ", warn: "warn", bad: "BAD " };

export const nodeCommands: readonly Command[] = [
  {
    name: ["up"],
    args: "",
    summary: "run the node",
    example: "hearthnet up --port 7080",
    options: {
      port: { type: "string", value: "N", help: "bus port, 0 = the system chooses (7080)" },
      "admin-port": { type: "string", value: "N", help: "port of the page, 0 = the system chooses (7860)" },
      name: { type: "string", value: "NAME", help: "display name of this node" },
      listen: { type: "string", value: "ADDR", help: "address of the bus (all)" },
      config: { type: "string", value: "FILE", help: "settings, instead of hearthnet.config.ts in the checkout" },
      "no-discovery": { type: "boolean", help: "do not announce this node or look for others" },
      dev: { type: "boolean", help: "let `hearthnet plugin dev` put plugins here that nobody has signed" },
      "allow-dev-root": { type: "boolean", help: "accept a development registry in a release build" },
    },
    run: ({ options, dataDir, host, io }) => {
      const port = (name: string): number | undefined => {
        const text = options[name];
        if (text === undefined) return undefined;
        const n = /^\d{1,5}$/.test(String(text)) ? Number(text) : -1;
        if (n < 0 || n > 65_535) throw new UsageError(`--${name} wants a number from 0 to 65535, not "${String(text)}".`);
        return n;
      };
      const [bus, page] = [port("port"), port("admin-port")];
      return host.up(
        {
          dataDir,
          ...(bus === undefined ? {} : { port: bus }),
          ...(page === undefined ? {} : { adminPort: page }),
          discovery: options["no-discovery"] !== true,
          allowDevRoot: options["allow-dev-root"] === true,
          ...(options["dev"] === true ? { dev: true as const } : {}),
          ...(typeof options["config"] === "string" ? { config: resolve(io.cwd, options["config"]) } : {}),
          ...(typeof options["name"] === "string" ? { name: options["name"] } : {}),
          ...(typeof options["listen"] === "string" ? { listen: options["listen"] } : {}),
        },
        io,
      );
    },
  },
  {
    name: ["status"],
    args: "",
    summary: "what runs",
    example: "hearthnet status",
    run: async ({ client, print }) => {
      const api = client();
      const [node, plugins, peers] = await Promise.all([
        api.get<NodeFacts>("/node"),
        api.get<{ items: PluginStatus[] }>("/plugins"),
        api.get<{ items: PeerRow[] }>("/peers"),
      ]);
      const text = [
        `${node.display_name}  ${node.short_id}`,
        `page       ${node.admin}`,
        `bus        ${node.bus}`,
        `community  ${node.community === null ? "none yet" : `${node.community.name} (${node.community.level})`}`,
        "",
        table(
          ["plugin", "version", "state", "confinement", "memory", "cpu"],
          plugins.items.map(({ resources, ...p }) => [
            p.id,
            p.version,
            p.state,
            p.label ?? "-",
            ...(resources === null ? ["-", "-"] : [`${resources.rssMb} MB`, `${resources.cpuPercent} %`]),
          ]),
          "No plugins installed.",
        ),
        "",
        table(
          ["neighbour", "id", "online"],
          peers.items.map((p) => [p.display_name, p.node_id, p.online ? "yes" : "no"]),
          "No neighbours yet.",
        ),
      ];
      print({ node, plugins: plugins.items, peers: peers.items }, text.join("\n"));
    },
  },
  {
    name: ["doctor"],
    args: "",
    summary: "what is wrong and how to mend it; works on a stopped node too",
    example: "hearthnet doctor",
    run: async ({ client, print, host, dataDir }) => {
      let items: Diagnosis[];
      try {
        items = (await client().get<{ items: Diagnosis[] }>("/health")).items;
      } catch (error) {
        if (!HnError.isHnError(error) || error.reason !== "node_not_running") throw error;
        items = await host.doctor(dataDir);
      }
      print(
        { items },
        items.map((c) => `${SIGNS[c.state]}  ${c.title}: ${c.detail}${c.fix === "" ? "" : `\n      ${c.fix}`}`).join("\n"),
      );
      return items.some((c) => c.state === "bad") ? 1 : 0;
    },
  },
  {
    name: ["setup"],
    args: "",
    summary: "print a new set-up link, or finish set-up in the terminal",
    example: "echo 'a long password' | hearthnet setup --password-stdin",
    options: { "password-stdin": { type: "boolean", help: "read the new password from standard input" } },
    run: async ({ client, options, print, io }) => {
      const api = client();
      if (options["password-stdin"] === true) {
        const password = await readSecretLine(io);
        await api.send("POST", "/setup/reset", { password });
        print({ set_up: true }, "Done. Sign in on the page with this password.");
        return;
      }
      const { set_up } = await api.get<{ set_up: boolean }>("/setup/state");
      const { url } = await api.send<{ url: string }>("POST", set_up ? "/setup/reset" : "/setup/link", {});
      print({ url }, `Open this link within 15 minutes:\n${url}`);
    },
  },
];
