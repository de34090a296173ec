import type { Command } from "./command.ts";
import { initCommand } from "./init.ts";
import { addNamespaceCommand } from "./namespace.ts";
import { publishCommand } from "./publish.ts";
import { refreshCommand } from "./refresh.ts";
import { revokeCommand } from "./revoke.ts";
import { serveCommand } from "./serve.ts";
import { yankCommand } from "./yank.ts";

export const COMMANDS: readonly Command[] = [
  initCommand,
  addNamespaceCommand,
  publishCommand,
  yankCommand,
  revokeCommand,
  refreshCommand,
  serveCommand,
];
