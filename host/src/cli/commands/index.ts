import type { Command } from "../command.ts";
import { auditCommands } from "./audit.ts";
import { bundleCommands } from "./bundle.ts";
import { callCommand } from "./call.ts";
import { communityCommands } from "./community.ts";
import { communityLogCommands } from "./community-log.ts";
import { dhtCommands } from "./dht.ts";
import { nodeCommands } from "./node.ts";
import { peerCommands } from "./peer.ts";
import { pluginCommands } from "./plugin.ts";
import { tokenCommands } from "./token.ts";
import { traceCommands } from "./trace.ts";

/** Every command, in the order of the overview. */
export const COMMANDS: readonly Command[] = [
  ...nodeCommands,
  ...peerCommands,
  ...auditCommands,
  ...traceCommands,
  ...communityCommands,
  ...communityLogCommands,
  ...dhtCommands,
  callCommand,
  ...tokenCommands,
  ...pluginCommands,
  ...bundleCommands,
];
