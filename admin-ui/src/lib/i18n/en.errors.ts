import { ERRORS, LOCAL_ERRORS, REASONS, type AnyErrorCode, type Reason } from "@hearthnet/host/contract";

export type ErrorText = readonly [what: string, todo: string];

const rows = <K extends string>(table: Record<K, { message: string; action: string }>): Record<K, ErrorText> =>
  Object.fromEntries(
    (Object.entries(table) as [K, { message: string; action: string }][]).map(([key, row]) => [
      key,
      [row.message, row.action] as const,
    ]),
  ) as Record<K, ErrorText>;

/** English is the table's own text. */
export const errors: {
  codes: Record<AnyErrorCode, ErrorText>;
  reasons: Record<Reason, ErrorText>;
  page: Record<"node_silent" | "page_broken" | "answer_lost", ErrorText>;
  retryIn: (o: { time: string }) => string;
  /** Opens what the node itself has said, in English. */
  said: string;
} = {
  codes: { ...rows(ERRORS), ...rows(LOCAL_ERRORS) },
  reasons: rows(REASONS),
  page: {
    node_silent: ["The node does not answer.", "Start it with `hearthnet up` in its terminal, then try again."],
    answer_lost: ["The connection to the node was lost, and with it the answer.", "Run it once more."],
    page_broken: ["This page made a mistake.", "Load it again; if it happens again, report it with the steps before."],
  },
  retryIn: (o: { time: string }) => `Possible again in ${o.time}.`,
  said: "In the node's own words",
};
