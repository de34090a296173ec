import { hear, type Said } from "../../../host/test/support/said.ts";
import { runAuthorTool } from "../../src/commands/run.ts";

/** One command line of an author, in this process. */
export function run(cwd: string, words: string[], o: { stdin?: string; env?: Record<string, string> } = {}): Promise<Said> {
  return hear((output) => runAuthorTool(words, output, { cwd, env: o.env ?? {}, stdin: async () => Buffer.from(o.stdin ?? "") }));
}
