import type { Scenario } from "../scenario.ts";
import { crowd } from "./01-crowd.ts";
import { flapping, oneWay, split } from "./01-split.ts";
import { churn } from "./02-churn.ts";
import { dhtChurn, dhtChurnPareto, dhtCollusion, dhtLoss } from "./02-dht-loss.ts";
import { clocks } from "./03-clocks.ts";
import { replay } from "./04-replay.ts";
import { signatures } from "./05-signatures.ts";
import { poison } from "./06-poison.ts";
import { fanOut, slowReader } from "./08-slow-reader.ts";
import { saturated } from "./09-saturated.ts";
import { stall } from "./10-stall.ts";
import { hotReload } from "./11-hot-reload.ts";
import { deadPeer } from "./12-dead-peer.ts";
import { tokens } from "./13-tokens.ts";
import { backup, endedHalfway, lostDisk, twoTongues } from "./14-log.ts";
import { rubbish } from "./15-rubbish.ts";
import { badLines } from "./16-bad-lines.ts";
import { oneKeyTwice } from "./17-one-key-twice.ts";
import { crossing } from "./17-crossing.ts";
import { revoked } from "./18-revoked.ts";
import { downgrade } from "./19-downgrade.ts";
import { seals } from "./20-seals.ts";

export { crowd };

/** The same story in a world in which calls go by peer sessions. */
const bySession = (scenario: Scenario): Scenario => ({ ...scenario, name: `${scenario.name}; by peer sessions`, sessions: true });

/** Only where there is time. */
const sometimes = (scenario: Scenario): Scenario => ({ ...scenario, always: false });

/** In the order of network.md §7. */
export const SCENARIOS: readonly Scenario[] = [
  split,
  oneWay,
  flapping,
  crowd,
  churn,
  dhtLoss,
  dhtChurn,
  sometimes(dhtChurnPareto),
  clocks,
  replay,
  signatures,
  poison,
  dhtCollusion,
  slowReader,
  fanOut,
  saturated,
  stall,
  sometimes(bySession(stall)),
  hotReload,
  sometimes(deadPeer),
  bySession(deadPeer),
  tokens,
  twoTongues,
  backup,
  lostDisk,
  endedHalfway,
  rubbish,
  badLines,
  sometimes(bySession(badLines)),
  oneKeyTwice,
  crossing,
  revoked,
  bySession(revoked),
  downgrade,
  seals,
];
