import type { LocalNetwork } from "../../../src/contract/index.ts";

/** One network segment without sockets: what one node sends to a group, all others in it hear at once. */
export class Ether {
  readonly #ears: { group: string; address: string; hear: (bytes: Uint8Array, from: string) => void }[] = [];
  /** Everything that was said, in order. */
  readonly said: { group: string; from: string; bytes: Uint8Array }[] = [];

  /** @param address  of the node on this network, a /24 */
  plug(address: string): LocalNetwork {
    return {
      networks: () => [`${address}/24`, "127.0.0.1/8"],
      join: async ({ address: group }, hear) => {
        const ear = { group, address, hear };
        this.#ears.push(ear);
        return {
          send: async (bytes) => this.say(group, address, bytes),
          close: () => void this.#ears.splice(this.#ears.indexOf(ear), 1),
        };
      },
    };
  }

  /** @param from  what the packet gives as its source */
  say(group: string, from: string, bytes: Uint8Array): void {
    this.said.push({ group, from, bytes });
    for (const ear of this.#ears.filter((one) => one.group === group)) ear.hear(bytes, from);
  }
}
