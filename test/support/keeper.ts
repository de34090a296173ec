/**
 * Somebody who keeps a registry on their own machine and publishes a plugin into it.
 * @example
 * const village = await registryOf(t, "village");
 * await village.publish("1.1.0", { permissions: [] });
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginManifest } from "@hearthnet/host/contract";
import { runCli, temporaryFolder, type Closing } from "./live-node.ts";

export interface Keeper {
  home: string;
  /** `hearthnet …` in the keeper's folder; must succeed. */
  run(...words: string[]): Promise<string>;
}

export interface Publisher extends Keeper {
  /** SHA-256 of `registry/root.json`, hex. */
  rootHash: string;
  /** Packs the plugin in this folder with the author's key, and publishes it with these files of its assets. */
  publishFrom(dir: string, assets?: readonly string[]): Promise<void>;
}

export interface RegistryKeeper extends Publisher {
  /** The author's sources, in the folder `hello`. */
  change(file: string, edit: (text: string) => string): void;
  /** Packs the sources as this version, with these changes of the manifest, and publishes it. */
  publish(version: string, changes?: Partial<PluginManifest>): Promise<void>;
}

const REGISTRY = ["--out", "registry", "--keys", "registry-keys"];

export function keeper(t: Closing): Keeper {
  const home = temporaryFolder(t);
  return {
    home,
    async run(...words) {
      const { code, stdout, stderr } = await runCli(words, { home });
      assert.equal(code, 0, `hearthnet ${words.join(" ")}: ${stdout} ${stderr}`);
      return stdout;
    },
  };
}

/** A registry in `registry` below the keeper's folder, which takes what this author signs for the namespace. */
export async function publisherOf(t: Closing, namespace: string): Promise<Publisher> {
  const one = keeper(t);
  await one.run("plugin", "keygen", "--no-passphrase", "--out", "author.key");
  await one.run("registry", "init", ...REGISTRY);
  await one.run("registry", "add-namespace", namespace, "--key", "author.key.pub", ...REGISTRY);
  const root = readFileSync(join(one.home, "registry", "root.json"));
  let packages = 0;
  return {
    ...one,
    rootHash: createHash("sha256").update(root).digest("hex"),
    async publishFrom(dir, assets = []) {
      packages += 1;
      const packed = `package-${packages}.hnp`;
      await one.run("plugin", "pack", dir, "--key", "author.key", "--out", packed);
      const files = assets.flatMap((path) => ["--asset", path]);
      await one.run("registry", "publish", packed, "--key", "author.key", ...files, ...REGISTRY);
    },
  };
}

/** As `publisherOf`, with the plugin `NAMESPACE/hello` 0.1.0 as the template makes it. */
export async function registryOf(t: Closing, namespace: string): Promise<RegistryKeeper> {
  const one = await publisherOf(t, namespace);
  await one.run("plugin", "create", `${namespace}/hello`);
  const change: RegistryKeeper["change"] = (file, edit) => {
    const path = join(one.home, "hello", file);
    writeFileSync(path, edit(readFileSync(path, "utf8")));
  };
  const publish: RegistryKeeper["publish"] = async (version, changes = {}) => {
    change("hearthnet.plugin.json", (text) => JSON.stringify({ ...(JSON.parse(text) as PluginManifest), ...changes, version }));
    await one.publishFrom("hello");
  };
  await publish("0.1.0");
  return { ...one, change, publish };
}

/** A configuration file in the keeper's folder that names the registry as its folder, with these settings beside it; for `up --config`. */
export function configFor({ home, rootHash }: Publisher, namespace: string, more: object = {}): string {
  const path = join(home, "hearthnet.config.ts");
  const registry = { name: namespace, path: join(home, "registry"), root: `sha256:${rootHash}`, namespaces: [`${namespace}/*`] };
  writeFileSync(path, `export default ${JSON.stringify({ registries: [registry], ...more })};\n`);
  return path;
}
