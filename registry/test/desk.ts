/** A keeper's and a publisher's folder: real keys, real packages, the commands as a terminal would run them. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createPublisherKey, openPublisherKey, writePackage } from "@hearthnet/host/format";
import type { PluginManifest } from "@hearthnet/host/contract";
import { hear, type Said } from "../../host/test/support/said.ts";
import { runRegistryTool } from "../src/commands/run.ts";

export const NOW: number = Date.UTC(2026, 6, 1, 12);

export function run(
  cwd: string,
  words: string[],
  o: { now?: number; env?: NodeJS.ProcessEnv; stdin?: string } = {},
): Promise<Said> {
  return hear((output) =>
    runRegistryTool(words, output, { cwd, env: o.env ?? {}, now: o.now ?? NOW, stdin: () => o.stdin ?? "" }),
  );
}

export interface Desk {
  cwd: string;
  /** Writes a signed package and says its name. */
  pack(version: string, o?: { key?: string; name?: string; manifest?: Partial<PluginManifest> }): string;
  /** Everything in the registry's folder, by name. */
  published(): Map<string, string>;
}

/** A folder with a registry, publishers' keys and packages. */
export async function desk(t: TestContext): Promise<Desk> {
  const cwd = mkdtempSync(join(tmpdir(), "hearthnet-registry-"));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  assert.equal((await run(cwd, ["init"])).code, 0);
  for (const name of ["acme", "other"]) {
    const { privatePem, publicPem } = createPublisherKey("");
    const open = createPrivateKey({ key: privatePem, passphrase: "" }).export({ type: "pkcs8", format: "pem" });
    writeFileSync(join(cwd, `${name}.key`), open, { mode: 0o600 });
    writeFileSync(join(cwd, `${name}.key.pub`), publicPem);
  }
  assert.equal((await run(cwd, ["add-namespace", "acme", "--key", "acme.key.pub"])).code, 0);
  return {
    cwd,
    pack: (version, { key = "acme", name = "echo", manifest = {} } = {}) => {
      const whole: PluginManifest = {
        manifestVersion: 1,
        id: `acme/${name}`,
        version,
        kind: "service",
        tier: { min: "process" },
        displayName: { en: "Echo" },
        description: { en: "Says it again." },
        license: "Apache-2.0",
        engines: { hearthnet: ">=0.1.0" },
        platforms: ["any"],
        entry: { main: "dist/main.mjs" },
        contributes: {},
        permissions: [],
        ...manifest,
      };
      const files = new Map([
        ["hearthnet.plugin.json", { bytes: Buffer.from(JSON.stringify(whole)) }],
        ["dist/main.mjs", { bytes: Buffer.from(`export default "${version}";\n`) }],
      ]);
      const file = `${name}-${version}-${key}.hnp`;
      const signer = openPublisherKey(readFileSync(join(cwd, `${key}.key`), "utf8"), null);
      writeFileSync(join(cwd, file), writePackage(files, signer).bytes);
      return file;
    },
    published: () => {
      const root = join(cwd, "registry");
      return new Map(
        readdirSync(root, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ parentPath, name }) => join(parentPath, name))
          .map((path) => [path.slice(root.length + 1), readFileSync(path, "latin1")] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    },
  };
}
