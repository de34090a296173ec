import { once } from "node:events";
import type { Duplex } from "node:stream";

const ANSWER_MS = 60_000;

/** What each attempt of an attack came to: "done", or the code of the refusal. */
export type Outcome = Record<string, string>;

/**
 * Asks the harness behind `link` to run one attack: one line of question, one line of answer.
 * @param stderr  quoted when no answer comes
 */
export async function ask(link: Duplex, stderr: NodeJS.ReadableStream | null, question: object): Promise<Outcome> {
  let said = "";
  let text = "";
  stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, 2000)));
  link.write(`${JSON.stringify(question)}\n`);
  const limit = AbortSignal.timeout(ANSWER_MS);
  try {
    while (!text.endsWith("\n")) {
      const [chunk] = (await Promise.race([
        once(link, "data", { signal: limit }),
        once(link, "close", { signal: limit }).then(() => [null]),
      ])) as [Buffer | null];
      if (chunk === null) throw new Error("it has ended");
      text += chunk.toString();
    }
  } catch (cause) {
    throw new Error(`The attack gave no outcome: ${said}`, { cause });
  }
  return JSON.parse(text) as Outcome;
}
