/** A plugin's side of the network, without the plugin: what it was granted, what the operator typed, and what it gets to hear. */
import type { Clock, JsonObject, PermissionName } from "../../../src/contract/index.ts";
import { systemClock } from "../../../src/foundation/index.ts";
import { EgressMeter, Network, type NetWays, type Settings, type Talk } from "../../../src/runtime/net/index.ts";
import { GrantTable, nameOf } from "../../../src/runtime/permission/index.ts";
import { allow } from "../fixtures/world.ts";

export interface Heard {
  event: string;
  data: JsonObject;
}

export class House {
  readonly network: Network;
  readonly meter: EgressMeter;
  readonly settings: { -readonly [Name in keyof Settings]: Settings[Name] } = { value: {}, schema: null, secrets: {} };
  readonly heard: Heard[] = [];
  /** Of the ledger. */
  readonly noted: { target: string; permission: PermissionName | "" } = { target: "", permission: "" };
  readonly lent: string[] = [];
  readonly leaving: AbortController = new AbortController();
  /** Set to hold the next frames back, as a plugin without credit does. */
  held: Promise<void> = Promise.resolve();
  onFrame: (heard: Heard) => void = () => {};
  #grants: GrantTable;

  constructor(ways: NetWays, grants: readonly [PermissionName, JsonObject][], o: { clock?: Clock; limitBytes?: number } = {}) {
    const { clock = systemClock, limitBytes = 50 * 1_048_576 } = o;
    this.meter = new EgressMeter(clock, limitBytes);
    this.#grants = table(grants);
    this.network = new Network({
      settings: () => this.settings,
      meter: this.meter,
      ways,
      clock,
    });
  }

  grant(...grants: readonly [PermissionName, JsonObject][]): void {
    this.#grants = table(grants);
    this.network.recheck();
  }

  /** What an op would hand over. */
  talk(): Talk {
    return {
      signal: this.leaving.signal,
      grants: () => this.#grants,
      passing: () => this.#grants,
      decide: async (check) => check(),
      frame: async (event, data) => {
        await this.held;
        this.leaving.signal.throwIfAborted();
        this.heard.push({ event, data });
        this.onFrame({ event, data });
      },
      lent: (secret, target) => void this.lent.push(`${secret} at ${nameOf(target)}`),
      about: (target) => (this.noted.target = nameOf(target)),
      opened: ({ permission }) => (this.noted.permission = permission),
    };
  }

  /** The first frame of that name. */
  frame(event: string): JsonObject {
    return this.heard.find((one) => one.event === event)?.data ?? {};
  }

  /** All bytes that came. */
  bytes(): Buffer {
    return Buffer.concat(
      this.heard.flatMap(({ data }) => (data["bytes"] === undefined ? [] : [data["bytes"] as unknown as Uint8Array])),
    );
  }

  text(): string {
    return this.bytes().toString("utf8");
  }
}

function table(grants: readonly [PermissionName, JsonObject][]): GrantTable {
  return new GrantTable(grants.map(([permission, scope]) => allow(permission, scope)));
}
