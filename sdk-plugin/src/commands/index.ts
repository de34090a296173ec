import type { Command } from "./command.ts";
import { createCommand } from "./create.ts";
import { keygenCommand } from "./keygen.ts";
import { packCommand } from "./pack.ts";
import { signCommand } from "./sign.ts";
import { testCommand } from "./test.ts";
import { typesCommand } from "./types.ts";
import { validateCommand } from "./validate/validate.ts";
import { verifyCommand } from "./verify.ts";
import { watchCommand } from "./watch.ts";

/** In the order of an author's way. */
export const COMMANDS: readonly Command[] = [
  createCommand,
  typesCommand,
  validateCommand,
  testCommand,
  watchCommand,
  keygenCommand,
  packCommand,
  signCommand,
  verifyCommand,
];
