import type { Command } from "./command.ts";
import { keygenCommand } from "./keygen.ts";
import { packCommand } from "./pack.ts";

/** In the order of an author's way. */
export const COMMANDS: readonly Command[] = [packCommand, keygenCommand];
