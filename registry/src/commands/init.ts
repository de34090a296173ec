import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Refusal, textOf } from "@hearthnet/host/command-line";
import { matchAssets } from "../2-verify/assets.ts";
import { publish } from "../3-catalog/publish.ts";
import type { RoleKey } from "../storage/keys.ts";
import type { Command, Invocation } from "./command.ts";
import { PLACE, withNewRegistry, withNotes, type Opened } from "./open.ts";

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
  name: ["init"],
  args: "",
  summary: "make an empty registry; with --dev one that holds the plugins of this checkout, signed with keys of this machine",
  example: "hearthnet registry init --out registry --keys registry-keys",
  options: {
    ...PLACE,
    dev: { type: "boolean", help: "development profile: pack and publish what lies in --plugins" },
    plugins: { type: "string", value: "DIR", help: "folder of plugin sources for --dev (./plugins)" },
    tools: { type: "string", value: "FILE", help: "the packer for --dev (sdk-plugin/dist/cli.mjs)" },
  },
  run: (invocation) => {
    const development = invocation.options["dev"] === true;
    const keys = development ? join(".hearthnet-dev", "keys") : "registry-keys";
    return withNewRegistry(invocation, { keys, development }, async (opened) => {
      const publishers = new Map<string, RoleKey>();
      if (development) publishers.set(FIRST_PARTY, opened.keys.ownPublisher(FIRST_PARTY));
      const published = development ? await publishCheckout(invocation, opened, publishers) : [];
      const notes = opened.repository.commit(publishers);
      await opened.repository.sweep();
      const text = [
        `Registry: ${opened.folder}`,
        `Keys:     ${opened.keys.path}`,
        ...published.map(({ id, version }) => `${id} ${version}`),
      ].join("\n");
      invocation.print({ folder: opened.folder, keys: opened.keys.path, published, notes }, withNotes(text, notes));
    });
  },
};

async function publishCheckout(
  invocation: Invocation,
  { repository }: Opened,
  publishers: ReadonlyMap<string, RoleKey>,
): Promise<{ id: string; version: string }[]> {
  const key = publishers.get(FIRST_PARTY);
  if (key === undefined) return [];
  repository.claim(FIRST_PARTY, [key.tuf]);
  const sources = resolve(invocation.cwd, textOf(invocation, "plugins", "plugins"));
  const tools = resolve(invocation.cwd, textOf(invocation, "tools", join("sdk-plugin", "dist", "cli.mjs")));
  const released = `${new Date(invocation.now).toISOString().slice(0, 19)}Z`;
  const folder = mkdtempSync(join(tmpdir(), "hearthnet-pack-"));
  const published: { id: string; version: string }[] = [];
  try {
    for (const name of readdirSync(sources).sort()) {
      if (!existsSync(join(sources, name, "hearthnet.plugin.json"))) continue;
      const packed = pack(tools, { source: join(sources, name), key: key.file, out: join(folder, `${name}.hnp`) });
      const { manifest } = await publish(readFileSync(packed.file), { repository, released, replace: true });
      const given = packed.assets.map(({ source }) => source);
      for (const path of matchAssets([manifest], { given, has: (sha256) => repository.hasBlob(sha256) }))
        repository.putFile(path);
      published.push({ id: packed.id, version: packed.version });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // What the checkout does not contain any more is not offered any more.
  const there = new Set(published.map(({ id, version }) => `${id}/${version}.hnp`));
  const known = repository.packages(FIRST_PARTY);
  const left = known.filter(({ path }) => there.has(path));
  if (left.length < known.length) repository.setPackages(FIRST_PARTY, left);
  for (const { id } of repository.rows) if (!published.some((one) => one.id === id)) repository.removeRow(id);
  return published;
}

/** The packer that every author uses, in a process of its own. */
function pack(tools: string, o: { source: string; key: string; out: string }): Packed {
  const done = spawnSync(process.execPath, ["--no-warnings", tools, "pack", o.source, "--key", o.key, "--out", o.out, "--json"], {
    encoding: "utf8",
    maxBuffer: 16_777_216,
  });
  if (done.status !== 0)
    throw new Refusal(`${o.source} cannot be packed: ${said(done.stdout) || done.stderr}`, {
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
