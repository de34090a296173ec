import type { PageResult } from "../../src/worker/engine.ts";
import { pageOf, type FakeHost, type SentWork } from "./fake-host.ts";

/** What the worker would find in a document: per page its own text, or what is read from its picture. */
export type FakePage = string | { read: PageResult };

/** Lets the worker answer as for a document of these pages. It keeps it open as the real one does, unless `forgets`. */
export function playDocument(host: FakeHost, pages: FakePage[], o: { forgets?: boolean } = {}): void {
  let open: unknown = null;
  host.answer = async ({ message, bytes, onDrawn }: SentWork) => {
    if (bytes.length > 0) open = message["key"];
    else if (open !== message["key"]) return { absent: true };
    const page = (number: number): FakePage => pages[number - 1] ?? "";
    const answers: Record<string, () => unknown> = {
      "pdf.open": () => ({ pages: pages.length, sha256: "5".repeat(64) }),
      "pdf.layers": () => ({
        layers: (message["pages"] as number[]).map((number) => {
          const found = page(number);
          return { page: number, text: typeof found === "string" ? found : null };
        }),
      }),
      "pdf.read": () => {
        onDrawn();
        const found = page(message["page"] as number);
        return typeof found === "string" ? pageOf(found) : found.read;
      },
    };
    if (o.forgets === true) open = null;
    return answers[message.op]?.();
  };
}
