import assert from "node:assert/strict";
import { test } from "node:test";
import { callRoutes } from "../../../src/admin/api/calls.ts";
import type { AdminContext, ApiRequest } from "../../../src/admin/context.ts";
import type { CallFilter } from "../../../src/contract/index.ts";
import { shortId } from "../../../src/identity/index.ts";
import { B, C, D, ME, refused } from "../../bus/make.ts";

function ask(query: Record<string, string>): { limit: number; filter: CallFilter } {
  let asked = { limit: 0, filter: {} };
  const services = {
    bus: { recentCalls: (limit: number, filter: CallFilter) => ((asked = { limit, filter }), []) },
    facts: () => ({ node_id: ME }),
    peers: { list: () => [{ node_id: B }] },
    community: { members: () => [{ node_id: C }] },
  };
  callRoutes[0]?.handle({ query } as unknown as ApiRequest<never>, { services } as unknown as AdminContext);
  return asked;
}

test("calls are looked for by capability, node, result, trace and number; nodes by the whole or the short id", () => {
  assert.deepEqual(ask({}), { limit: 50, filter: {} });
  assert.deepEqual(
    ask({ capability: "ocr", result: "timeout", trace_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT", after: "7", limit: "9" }),
    {
      limit: 9,
      filter: { capability: "ocr", result: "timeout", trace_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT", after: 7 },
    },
  );
  for (const id of [ME, B, C]) {
    assert.deepEqual(ask({ node: id }).filter, { node: id });
    assert.deepEqual(ask({ node: shortId(id) }).filter, { node: id });
  }
  assert.deepEqual(ask({ node: D }).filter, { node: D }, "a whole id needs nobody who knows it");
});

test("what means nothing is refused with the field at fault", () => {
  const table: Record<string, string[]> = {
    capability: ["", "Ocr", "ocr.", "a".repeat(65)],
    node: ["", "nobody", shortId(D)],
    result: ["", "fine", "__proto__"],
    trace_id: ["", "short", "x".repeat(65)],
    after: ["", "-1", "1.5"],
  };
  for (const [field, values] of Object.entries(table))
    for (const value of values)
      assert.throws(
        () => ask({ [field]: value }),
        (error) => refused("bad_request")(error) && (error as { paths?: string[] }).paths?.[0] === `/${field}`,
        `${field}=${value}`,
      );
});
