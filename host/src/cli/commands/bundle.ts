import { resolve } from "node:path";
import { UsageError } from "../../command-line/index.ts";
import type { BundleFacts, BundleMade, LocalError } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Command, Invocation } from "../command.ts";
import { table } from "../table.ts";

const DAY = 86_400;

/** @source marketplace §8, plugin-platform §9 */
export const bundleCommands: readonly Command[] = [
  {
    name: ["plugin", "bundle"],
    args: "ID[@VERSION]…",
    summary: "write plugins to a stick, for a node without a network",
    example: "hearthnet plugin bundle hearthnet/ocr --with-assets --out /media/stick/ocr.hnbundle",
    options: {
      out: { type: "string", value: "FILE", help: "the new file; a name that ends in / makes a folder" },
      for: { type: "string", value: "PLATFORM", help: "for another machine than this, e.g. linux-arm64" },
      "with-deps": { type: "boolean", help: "with the plugins that they need" },
      "with-assets": { type: "boolean", help: "with the models and data that they need" },
    },
    run: make,
  },
  {
    name: ["bundle", "attach"],
    args: "FILE|FOLDER",
    summary: "copy a bundle in and check it; its plugins can then be installed without a network",
    example: "hearthnet bundle attach /media/stick/ocr.hnbundle",
    run: async (invocation) => {
      const { args, io, print } = invocation;
      const [path = ""] = args;
      if (path === "") throw new UsageError("Which bundle? Name a file or a folder.");
      const facts = await finished<BundleFacts>(invocation, "/bundles/attach", { path: resolve(io.cwd, path) });
      print(facts, describe([facts]));
    },
  },
  {
    name: ["bundle", "list"],
    args: "",
    summary: "bundles that were attached, and how old their catalogues are",
    example: "hearthnet bundle list",
    run: async ({ client, print }) => {
      const { items } = await client().get<{ items: BundleFacts[] }>("/bundles");
      print(items, describe(items));
    },
  },
  {
    name: ["bundle", "detach"],
    args: "ID",
    summary: "delete the copy of a bundle; what was installed from it stays",
    example: "hearthnet bundle detach 5f0c…",
    run: async ({ args, client, print }) => {
      const [id = ""] = args;
      const { items } = await client().get<{ items: BundleFacts[] }>("/bundles");
      const found = items.filter((item) => id.length >= 4 && item.id.startsWith(id.replace(/…$/, "")));
      if (found.length > 1) throw new UsageError("More than one bundle begins like this; write more of it.");
      const whole = found[0]?.id ?? id;
      await client().send("DELETE", `/bundles/${encodeURIComponent(whole)}`);
      print({ detached: whole }, "Detached.");
    },
  },
];

async function make(invocation: Invocation): Promise<void> {
  const { args, options, io, print } = invocation;
  const { out, for: platform } = options;
  if (args.length === 0) throw new UsageError("Which plugins? Name at least one.");
  if (typeof out !== "string") throw new UsageError("Where to? Name the new file with --out.");
  const made = await finished<BundleMade>(invocation, "/bundles/make", {
    plugins: args,
    // `resolve` drops the slash that asks for a folder.
    out: `${resolve(io.cwd, out)}${out.endsWith("/") ? "/" : ""}`,
    ...(typeof platform === "string" ? { platform } : {}),
    with_dependencies: options["with-deps"] === true,
    with_assets: options["with-assets"] === true,
  });
  const lines = [
    `${made.path}: ${made.plugins.map(({ id, version }) => `${id} ${version}`).join(", ")}; ${made.assets} files of assets, ${size(made.size_bytes)}.`,
    ...(made.without.length === 0 ? [] : [`Not in it, and needed: ${made.without.join(", ")}. Add --with-deps.`]),
  ];
  print(made, lines.join("\n"));
}

/** Shows how far it is; whoever ends the command cancels the work. @throws what it failed with */
async function finished<T>({ client, io, json }: Invocation, path: string, body: object): Promise<T> {
  let shown = "";
  for await (const line of client().lines(path, body)) {
    const { event, data } = JSON.parse(line) as
      | { event: "progress"; data: { done_bytes: number; total_bytes: number } }
      | { event: "done"; data: T }
      | { event: "error"; data: LocalError };
    if (event === "done") return data;
    if (event === "error") throw HnError.fromLocal(data);
    const text = `${size(data.done_bytes)} of ${size(data.total_bytes)}`;
    if (!json && text !== shown) io.err((shown = text));
  }
  throw new HnError("partition", { message: "The node stopped before it was done." });
}

function describe(items: readonly BundleFacts[]): string {
  if (items.length === 0) return "No bundle is attached. See: hearthnet bundle attach --help";
  return items
    .flatMap(({ id, catalogues, plugins, assets, size_bytes }) => [
      `${id.slice(0, 12)}…  ${size(size_bytes)}, ${assets.files} files of assets`,
      ...catalogues.map(
        ({ registry, standing, age_seconds }) => `  catalogue of ${registry}: ${age(age_seconds)}, ${STANDING[standing]}`,
      ),
      table(
        ["  plugin", "version", "size", ""],
        plugins.map((p) => [
          `  ${p.id}`,
          p.version,
          size(p.size_bytes),
          p.usable ? "can be installed" : "not in this node's catalogue",
        ]),
        "  no plugins",
      ),
    ])
    .join("\n");
}

const STANDING: Record<BundleFacts["catalogues"][number]["standing"], string> = {
  newer: "newer than what this node had",
  same: "the same as this node has",
  older: "older than what this node has, and not used",
  unknown: "not signed for this node",
};

function age(seconds: number | null): string {
  if (seconds === null) return "age not known";
  return seconds < DAY ? "from today" : `${Math.floor(seconds / DAY)} days old`;
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
