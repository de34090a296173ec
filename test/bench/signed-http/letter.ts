/** What both halves of the signed-http measurement know. */

/** About 370 bytes as JSON. */
export const BODY: { params: { corpus: string }; input: Record<string, string | number | Record<string, string | string[]>> } = {
  params: { corpus: "public-emergency" },
  input: { query: "Wasser ".repeat(10), k: 5, filters: { tags: ["a", "b", "c"], area: "x".repeat(90) }, note: "y".repeat(80) },
};

/** Where the called process answers. */
export interface Places {
  nodeId: string;
  /** Signed, over TLS. */
  ours: string;
  /** Bare fastify echoes, with and without TLS. */
  tls: string;
  plain: string;
}
