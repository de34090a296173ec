import { randomUUID } from "node:crypto";
import { UsageError } from "../../command-line/index.ts";
import type {
  CatalogDetail,
  CatalogItem,
  PermissionReview,
  PluginConfig,
  PluginLogLine,
  PluginStatus,
} from "../../contract/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import type { Command, Invocation } from "../command.ts";
import { delegate } from "../delegate.ts";
import { readNamedFile } from "../file.ts";
import { GRANT_OPTIONS, readGrants } from "../grant-option.ts";
import { finished } from "../job.ts";
import { pathOf } from "../plugin-path.ts";
import { table } from "../table.ts";
import { overrideCommand } from "./plugin-override.ts";
import { topCommand } from "./plugin-top.ts";
import { devCommand } from "./plugin-dev.ts";
import { rightsCommands } from "./plugin-rights.ts";
import { versionCommands } from "./plugin-versions.ts";

const AUTHOR_VERBS = ["create", "types", "test", "validate", "watch", "pack", "keygen", "sign", "verify"] as const;
/** Of the registry's tools, what is its publishers' part. */
const PUBLISHER_VERBS = ["publish", "yank"] as const;
const REGISTRY_VERBS = ["serve", "init", "add-namespace", "publish", "yank", "revoke", "refresh"] as const;

export const pluginCommands: readonly Command[] = [
  {
    name: ["plugin", "list"],
    args: "",
    summary: "installed plugins",
    example: "hearthnet plugin list",
    run: async ({ client, print }) => {
      const { items } = await client().get<{ items: PluginStatus[] }>("/plugins");
      print(
        items,
        table(
          ["plugin", "version", "state", "confinement", "rating", "offers"],
          items.map(row),
          "No plugins installed. See: hearthnet plugin search",
        ),
      );
    },
  },
  {
    name: ["plugin", "search"],
    args: "[WORDS…]",
    summary: "search the catalogue, offline",
    example: "hearthnet plugin search text",
    run: async ({ args, client, print }) => {
      const { items } = await client().get<{ items: CatalogItem[] }>(`/catalog?q=${encodeURIComponent(args.join(" "))}`);
      print(
        items,
        table(
          ["plugin", "version", "registry", "rating", "what"],
          items.map((i) => [i.id, i.latest, i.registry, `${i.rating} of 6`, i.displayName.en]),
          "Nothing found.",
        ),
      );
    },
  },
  {
    name: ["plugin", "show"],
    args: "ID",
    summary: "a plugin in the catalogue, with what it asks for",
    example: "hearthnet plugin show hearthnet/ocr",
    run: async ({ args, client, print }) => {
      const api = client();
      const [detail, review] = [
        await api.get<CatalogDetail>(`/catalog/${pathOf(args[0])}`),
        await api.get<PermissionReview>(`/catalog/${pathOf(args[0])}/review`),
      ];
      print({ detail, review }, describeReview(detail, review));
    },
  },
  {
    name: ["plugin", "install"],
    args: "[ID[@VERSION]]",
    summary: "install a plugin from the catalogue, or from a file",
    example: "hearthnet plugin install hearthnet/ocr --grant all",
    options: {
      ...GRANT_OPTIONS,
      from: { type: "string", value: "FILE", help: "install this .hnp file" },
    },
    run: install,
  },
  topCommand,
  ...versionCommands,
  overrideCommand,
  ...(["enable", "disable", "restart"] as const).map((verb): Command => ({
    name: ["plugin", verb],
    args: "ID",
    summary: { enable: "start it, now and after a reboot", disable: "stop it", restart: "stop and start it" }[verb],
    example: `hearthnet plugin ${verb} hearthnet/ocr`,
    run: async ({ args, client, print }) => {
      const status = await client().send<PluginStatus>("POST", `/plugins/${pathOf(args[0])}/${verb}`, {});
      print(status, `${status.id} ${status.version}: ${status.state}`);
    },
  })),
  {
    name: ["plugin", "remove"],
    args: "ID",
    summary: "remove it; its data is kept for 30 days",
    example: "hearthnet plugin remove hearthnet/ocr",
    options: { "delete-data": { type: "boolean", help: "delete its data at once" } },
    run: async ({ args, options, client, print }) => {
      await client().send("DELETE", `/plugins/${pathOf(args[0])}?keep_data=${options["delete-data"] === true ? "no" : "30d"}`);
      print({ removed: args[0] }, "Removed.");
    },
  },
  {
    name: ["plugin", "logs"],
    args: "ID",
    summary: "its log",
    example: "hearthnet plugin logs hearthnet/ocr --limit 50",
    options: {
      limit: { type: "string", value: "N", help: "how many lines (100)" },
      level: { type: "string", value: "LEVEL", help: "only this level and above" },
    },
    run: async ({ args, options, client, print }) => {
      const query = new URLSearchParams({
        limit: String(options["limit"] ?? 100),
        ...(typeof options["level"] === "string" ? { level: options["level"] } : {}),
      });
      const { items } = await client().get<{ items: PluginLogLine[] }>(`/plugins/${pathOf(args[0])}/logs?${query.toString()}`);
      print(
        items,
        items.map((l) => `${new Date(l.at).toISOString()} ${l.level.padEnd(5)} ${l.source.padEnd(6)} ${l.message}`).join("\n"),
      );
    },
  },
  {
    name: ["plugin", "config"],
    args: "ID",
    summary: "show its settings, or change them",
    example: "hearthnet plugin config hearthnet/ocr --set '{\"default_dpi\":400}'",
    options: {
      set: { type: "string", value: "JSON", help: "merge these settings" },
      secret: { type: "string", multiple: true, value: "POINTER=VALUE", help: "set a secret" },
    },
    run: config,
  },
  devCommand,
  ...rightsCommands,
  ...AUTHOR_VERBS.map((verb): Command => ({
    name: ["plugin", verb],
    args: "…",
    summary: `for authors: ${verb}`,
    example: `hearthnet plugin ${verb} --help`,
    run: ({ args, host, io }) => delegate(host.binaries.plugin, [verb, ...args], io),
  })),
  ...PUBLISHER_VERBS.map((verb): Command => ({
    name: ["plugin", verb],
    args: "…",
    summary: `for authors: ${verb}, in a registry's folder`,
    example: `hearthnet plugin ${verb} --help`,
    run: ({ args, host, io }) => delegate(host.binaries.registry, [verb, ...args], io),
  })),
  ...REGISTRY_VERBS.map((verb): Command => ({
    name: ["registry", verb],
    args: "…",
    summary: `run or feed a registry: ${verb}`,
    example: `hearthnet registry ${verb} --help`,
    run: ({ args, host, io }) => delegate(host.binaries.registry, [verb, ...args], io),
  })),
];

function describeReview(detail: CatalogDetail, review: PermissionReview): string {
  const { required, optional, rating, ratingWithOptional } = review;
  const asks = [...required, ...optional].map((p) => [
    p.name,
    String(p.weight),
    optional.includes(p) ? "optional" : "required",
    p.change ?? "",
    JSON.stringify(p.scope ?? {}),
    p.reason.en,
  ]);
  return [
    `${detail.displayName.en} ${detail.latest}: ${detail.description.en}`,
    `rating ${rating} of 6${rating === ratingWithOptional ? "" : `, ${ratingWithOptional} with everything optional`}, confinement here: ${review.label}`,
    `publisher ${review.publisherKeyId}`,
    ...(review.before === null || review.growth.length === 0
      ? []
      : [`more than ${review.before}: ${review.growth.map(({ kind, what }) => `${kind} ${what}`).join(", ")}`]),
    "",
    table(["permission", "weight", "", "against before", "scope", "the author's reason"], asks, "asks for nothing"),
    ...(review.binaries.length === 0
      ? []
      : [
          "",
          table(
            ["machine code", "sha256"],
            review.binaries.map(({ path, asset, sha256 }) => [
              asset === undefined ? path : `${path} of the asset ${asset}`,
              sha256,
            ]),
            "",
          ),
        ]),
    ...(review.nativeAllowed || !asks.some(([name]) => name === "native")
      ? []
      : ["This publisher may not run machine code here; see policy.nativePublishers in hearthnet.config.ts."]),
  ].join("\n");
}

function row(p: PluginStatus): string[] {
  return [
    p.id,
    p.version,
    p.reason === null ? p.state : `${p.state} (${p.reason.reason ?? p.reason.error})`,
    p.label ?? "-",
    `${p.rating} of 6`,
    p.offers.join(" "),
  ];
}

async function install(invocation: Invocation): Promise<void> {
  const { options, client, io, print } = invocation;
  const api = client();
  let [id = "", version] = (invocation.args[0] ?? "").split("@");
  if (typeof options["from"] === "string") {
    const { items } = await api.upload<{ items: { id: string; version: string }[] }>(
      "/packages",
      readNamedFile(io, options["from"], CONSTANTS.PACKAGE_MAX_BYTES),
    );
    id = items[0]?.id ?? id;
    version = items[0]?.version;
  }
  pathOf(id);
  const { job_id } = await api.send<{ job_id: string }>("POST", "/installs/terminal", {
    id,
    ...(version === undefined ? {} : { version }),
    grants: readGrants(options) ?? [],
    ...(typeof options["confirm"] === "string" ? { confirm_id: options["confirm"] } : {}),
    ...(options["old-catalogue"] === true ? { use_old_catalogue: true } : {}),
    client_id: randomUUID(),
  });
  const status = await finished(invocation, job_id, id);
  print(status, `${status.id} ${status.version}: ${status.state}, confinement ${status.label ?? "none"}`);
}

async function config({ args, options, client, print }: Invocation): Promise<void> {
  const api = client();
  const path = `/plugins/${pathOf(args[0])}/config`;
  const current = await api.get<PluginConfig>(path);
  if (options["set"] === undefined && options["secret"] === undefined)
    return print(current, JSON.stringify(current.value, null, 2));
  let change: unknown = {};
  try {
    change = options["set"] === undefined ? {} : parseStrictJson(String(options["set"]));
  } catch (error) {
    throw new UsageError(`--set is not valid JSON: ${HnError.from(error).message}`);
  }
  const secrets: Record<string, string> = {};
  for (const entry of (options["secret"] as string[] | undefined) ?? []) {
    const cut = entry.indexOf("=");
    if (cut < 1) throw new UsageError("--secret wants POINTER=VALUE.");
    secrets[entry.slice(0, cut)] = entry.slice(cut + 1);
  }
  const done = await api.send<{ result: string }>("PUT", path, {
    value: { ...current.value, ...(change as object) },
    secrets,
    etag: current.etag,
  });
  print(
    done,
    {
      applied: "Applied.",
      restart: "Saved; the plugin was restarted.",
      restored: "The plugin did not start with these settings; the former ones are back.",
    }[done.result] ?? done.result,
  );
}
