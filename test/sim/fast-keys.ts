/**
 * Signatures for worlds too large for real ones: a hash over the signer's secret and the words. Whoever has no secret here signs nothing, and what was
 * put together from other words is refused, as with the real ones. What lies inside counts by what it is and not by its text, so it must travel
 * uncopied. @source network.md §7 "Crypto"
 */
import { hash } from "node:crypto";
import type { NodeId } from "../../host/src/contract/index.ts";
import type { DhtPorts } from "../../host/src/dht/index.ts";

export class FastKeys {
  readonly #secrets: Map<NodeId, string> = new Map();
  readonly #numbers: WeakMap<object, number> = new WeakMap();
  #count = 0;

  /** @param seed  32 bytes of its key */
  of(node: NodeId, seed: Uint8Array): DhtPorts["crypto"] {
    const secret = Buffer.from(seed).toString("hex");
    this.#secrets.set(node, secret);
    return {
      sign: (kind, value) => this.#seal(secret, kind, value),
      verify: (kind, value, { by, signature }) => {
        const signer = this.#secrets.get(by);
        const claimed = signature ?? (value as { signature?: unknown }).signature;
        return signer !== undefined && claimed === this.#seal(signer, kind, value);
      },
    };
  }

  #seal(secret: string, kind: string, value: object): string {
    let text = `${secret} ${kind}`;
    for (const [name, field] of Object.entries(value) as [string, unknown][])
      if (name !== "signature")
        text += ` ${name}=${typeof field === "object" && field !== null ? this.#numberOf(field) : JSON.stringify(field)}`;
    return hash("sha256", text, "base64url");
  }

  #numberOf(inside: object): string {
    let number = this.#numbers.get(inside);
    if (number === undefined) this.#numbers.set(inside, (number = this.#count += 1));
    return `#${number}`;
  }
}
