import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { treeOf } from "../../../src/cli/commands/trace.ts";
import type { CallTrace } from "../../../src/contract/index.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() & 0x7fffffff);
const START = Date.UTC(2026, 6, 1, 12);

function call(span: string, o: { parent?: string; from: number; ms: number }): CallTrace {
  return {
    seq: Number.parseInt(span, 16) || 1,
    ts: new Date(START + o.from + o.ms).toISOString(),
    trace_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    span_id: span,
    ...(o.parent === undefined ? {} : { parent_id: o.parent }),
    capability: `ext.demo.n${span}`,
    version: "1.0",
    from_node: "a",
    to_node: "b",
    is_local: true,
    result: "ok",
    ms: o.ms,
    bytes_in: 0,
    bytes_out: 0,
  };
}

describe("one trace as a tree (03 §10)", () => {
  it("puts each call below the one it was made for, in the order of their beginnings", () => {
    const calls = [
      call("c", { parent: "a", from: 50, ms: 10 }),
      call("d", { parent: "b", from: 20, ms: 5 }),
      call("b", { parent: "a", from: 10, ms: 30 }),
      call("a", { parent: "of another node", from: 0, ms: 100 }),
    ];
    assert.deepEqual(
      treeOf(calls).map(({ call: { span_id }, depth, beganMs }) => [span_id, depth, beganMs]),
      [
        ["a", 0, 0],
        ["b", 1, 10],
        ["d", 2, 20],
        ["c", 1, 50],
      ],
    );
    assert.deepEqual(treeOf([]), []);
  });

  it("shows every call once, whatever others claim to be whose child (property)", () => {
    const spans = ["1", "2", "3", "4", "5"];
    const one = fc.record({
      parent: fc.option(fc.constantFrom(...spans, "x"), { nil: undefined }),
      from: fc.nat(100),
      ms: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 5 }), (list) => {
        const calls = list.map(({ parent, ...rest }, i) =>
          call(spans[i] ?? "", parent === undefined ? rest : { parent, ...rest }),
        );
        const shown = treeOf(calls).map((branch) => branch.call.span_id);
        assert.deepEqual(shown.toSorted(), calls.map(({ span_id }) => span_id).toSorted());
      }),
      { seed: SEED },
    );
  });
});
