import { counted } from "./plural.ts";

const calls = counted("en", "1 call", "{n} calls");

export const trace = {
  intro:
    "The last 10,000 calls that this node made or served: who called whom, how it ended and how long it took. What was said is not kept, and nothing of this outlives the node's next start.",
  capability: "Capability",
  capabilityHint: "A name, or its first words: ocr also finds ocr.image.",
  node: "Node",
  everyone: "All nodes",
  result: "Result",
  any: "Any",
  id: "Trace id",
  search: "Search",
  noMatch: "No call fits.",
  open: (o: { id: string }) => `Trace ${o.id}`,
  gone: "Nothing is known of this trace",
  goneWhat: "It is older than the last 10,000 calls, or of before the node's start.",
  sum: (o: { calls: number; took: string }) => `${calls(o.calls)} in ${o.took}.`,
  picture: "When each call ran",
  table: "The calls of this trace",
  call: "Call",
  began: "Began after",
  tokens: "Tokens in / out",
};
