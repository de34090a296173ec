/** What the host asks a plugin beside calls, one answer to each: settings, schedules, views, topics. @source plugin-platform §5.2 */
import type { Clock, HostMessage, JsonObject, JsonValue } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { placeBytes, protocolError, type Attachments } from "../../format/index.ts";
import type { ConfinedProcess } from "../process/index.ts";

interface Waiting {
  resolve: (value: JsonValue) => void;
  reject: (error: unknown) => void;
}

export class Questions {
  readonly #channel: () => ConfinedProcess["channel"];
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();

  constructor(o: { channel: () => ConfinedProcess["channel"]; clock: Clock }) {
    this.#channel = o.channel;
    this.#clock = o.clock;
  }

  /** @throws timeout · plugin_gone · what the plugin answers */
  ask(build: (id: number) => HostMessage, timeoutMs: number, attachments?: Record<string, Uint8Array>): Promise<JsonValue> {
    const channel = this.#channel();
    const id = channel.nextId();
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        // A late answer is still expected, and ignored.
        this.#waiting.set(id, { resolve: () => {}, reject: () => {} });
        reject(new HnError("timeout"));
      }, timeoutMs);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          timer.cancel();
          then(value);
        };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      channel.send(build(id), attachments).catch(settle(reject));
    });
  }

  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  /** @throws plugin_gone reason protocol_error */
  answer(id: number, value: JsonValue, attachments: Attachments): void {
    const holder: JsonObject = { value };
    placeBytes(holder, attachments);
    this.#take(id).resolve(holder["value"] ?? null);
  }

  /** @throws plugin_gone reason protocol_error */
  refuse(id: number, error: HnError): void {
    this.#take(id).reject(error);
  }

  failAll(error: HnError): void {
    for (const id of this.#waiting.keys()) this.refuse(id, error);
  }

  #take(id: number): Waiting {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw protocolError("An answer came to a question that was not asked.");
    this.#waiting.delete(id);
    return waiting;
  }
}
