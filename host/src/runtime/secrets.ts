/** Secrets of plugins' configurations, encrypted at rest. @source plugin-platform §2.4 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { HnError, parseStrictJson, readFileBounded, writeFileAtomic } from "../foundation/index.ts";

export type Secrets = Record<string, string>;

export class SecretBox {
  readonly #key: Uint8Array;

  constructor(keyFile: string) {
    if (!existsSync(keyFile)) writeFileAtomic(keyFile, randomBytes(32), { mode: 0o600 });
    this.#key = readFileBounded(keyFile, 32);
  }

  /** 32 bytes of this plugin and this label alone, the same for as long as the key file lives. @source plugin-platform §3.1 `secret.derive` */
  derive(pluginId: string, label: string): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.#key, "hearthnet.secret.derive.v1", `${pluginId}\0${label}`, 32));
  }

  /** Bound to the plugin: a row moved to another plugin does not open. */
  seal(pluginId: string, secrets: Secrets): Uint8Array {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(pluginId));
    const text = Buffer.concat([cipher.update(JSON.stringify(secrets), "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]);
  }

  /** @throws internal_error when the box was altered or belongs to another plugin */
  open(pluginId: string, box: Uint8Array): Secrets {
    if (box.byteLength === 0) return {};
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, box.subarray(0, 12)).setAAD(Buffer.from(pluginId));
      decipher.setAuthTag(box.subarray(12, 28));
      const text = Buffer.concat([decipher.update(box.subarray(28)), decipher.final()]);
      return parseStrictJson(text) as Secrets;
    } catch (cause) {
      throw new HnError("internal_error", {
        message: "The plugin's stored secrets cannot be opened.",
        action: "Enter them again.",
        cause,
      });
    }
  }
}
