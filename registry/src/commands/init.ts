import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openPublisherKey } from "../3-catalog/keyring.ts";
import { publish } from "../3-catalog/publish.ts";
import { RegistryError } from "../refusal.ts";
import type { RoleKey } from "../storage/keys.ts";
import type { Command, Invocation } from "./command.ts";
import { openRegistry, PLACE, type Opened } from "./open.ts";

/** Namespace of the plugins that come with HearthNet. */
const FIRST_PARTY = "hearthnet";

interface Packed {
  id: string;
  version: string;
  file: string;
  assets: { source: string }[];
}

/** @source marketplace §9 */
export const initCommand: Command = {
  name: "init",
  args: "",
  summary: "make an empty registry; with --dev one that holds the plugins of this checkout, signed with keys of this machine",
  example: "hearthnet registry init --out registry --keys registry-keys",
  options: {
    ...PLACE,
    dev: { type: "boolean", help: "development profile: pack and publish what lies in --plugins" },
    plugins: { type: "string", value: "DIR", help: "folder of plugin sources for --dev (./plugins)" },
    tools: { type: "string", value: "FILE", help: "the packer for --dev (sdk-plugin/dist/cli.mjs)" },
  },
  run: async (invocation) => {
    const development = invocation.options["dev"] === true;
    const place = development
      ? { ...invocation, options: { keys: join(".hearthnet-dev", "keys"), ...invocation.options } }
      : invocation;
    const opened = openRegistry(place, { create: true, development });
    const publishers = new Map<string, RoleKey>();
    const published = development ? await publishCheckout(place, { opened, publishers }) : [];
    opened.repository.commit(publishers);
    opened.repository.sweep();
    invocation.print(
      { folder: opened.folder, keys: opened.keysFolder, published },
      [
        `Registry: ${opened.folder}`,
        `Keys:     ${opened.keysFolder}`,
        ...published.map(({ id, version }) => `${id} ${version}`),
      ].join("\n"),
    );
  },
};

async function publishCheckout(
  { options, cwd, now }: Invocation,
  { opened, publishers }: { opened: Opened; publishers: Map<string, RoleKey> },
): Promise<{ id: string; version: string }[]> {
  const key = openPublisherKey(opened.keysFolder, FIRST_PARTY);
  publishers.set(FIRST_PARTY, key);
  opened.repository.claim(FIRST_PARTY, [key.tuf]);
  const sources = resolve(cwd, typeof options["plugins"] === "string" ? options["plugins"] : "plugins");
  const tools = resolve(cwd, typeof options["tools"] === "string" ? options["tools"] : join("sdk-plugin", "dist", "cli.mjs"));
  const released = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const folder = mkdtempSync(join(tmpdir(), "hearthnet-pack-"));
  const published: { id: string; version: string }[] = [];
  try {
    for (const name of readdirSync(sources).sort()) {
      if (!existsSync(join(sources, name, "hearthnet.plugin.json"))) continue;
      const packed = pack(tools, { source: join(sources, name), key: key.file, out: join(folder, `${name}.hnp`) });
      const assets = packed.assets.map(({ source }) => source);
      await publish(readFileSync(packed.file), packed.id, { repository: opened.repository, released, replace: true, assets });
      published.push({ id: packed.id, version: packed.version });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // What the checkout does not contain any more is not offered any more.
  const there = new Set(published.map(({ id, version }) => `${id}/${version}.hnp`));
  opened.repository.setPackages(
    FIRST_PARTY,
    opened.repository.packages(FIRST_PARTY).filter(({ path }) => there.has(path)),
  );
  for (const { id } of opened.repository.rows) if (!published.some((one) => one.id === id)) opened.repository.removeRow(id);
  return published;
}

/** The packer that every author uses, in a process of its own. */
function pack(tools: string, o: { source: string; key: string; out: string }): Packed {
  const done = spawnSync(process.execPath, ["--no-warnings", tools, "pack", o.source, "--key", o.key, "--out", o.out, "--json"], {
    encoding: "utf8",
    maxBuffer: 16_777_216,
  });
  if (done.status !== 0)
    throw new RegistryError(`${o.source} cannot be packed: ${said(done.stdout) || done.stderr}`, {
      reason: "pack_failed",
      action: "Correct the plugin; `hearthnet plugin pack` shows the same.",
    });
  return JSON.parse(done.stdout) as Packed;
}

function said(json: string): string {
  try {
    return (JSON.parse(json) as { message?: string }).message ?? "";
  } catch {
    return "";
  }
}
