import type { Command } from "./command.ts";
import { initCommand } from "./init.ts";
import { addNamespaceCommand } from "./namespace.ts";
import { publishCommand, yankCommand } from "./publish.ts";
import { serveCommand } from "./serve.ts";

export const COMMANDS: readonly Command[] = [initCommand, addNamespaceCommand, publishCommand, yankCommand, serveCommand];
