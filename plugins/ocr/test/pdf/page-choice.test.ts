import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { choosePages, type PageOrder } from "../../src/pdf/page-choice.ts";

function chosen(change: Partial<PageOrder>): unknown {
  try {
    return choosePages({ range: undefined, pages: undefined, total: 60, most: 50, ...change });
  } catch (error) {
    assert.ok(error instanceof Failure && error.code === "bad_request");
    return error.reason;
  }
}

/** @source 22 rule 7 */
const ORDERS: [name: string, order: Partial<PageOrder>, outcome: unknown][] = [
  ["the whole document", { total: 3 }, { pages: [1, 2, 3], next: null }],
  ["a document of 50 pages", { total: 50 }, { pages: Array.from({ length: 50 }, (_, n) => n + 1), next: null }],
  ["a document of 51 pages", { total: 51 }, "too_many_pages"],
  ["a range, both ends included", { range: [3, 5] }, { pages: [3, 4, 5], next: 6 }],
  ["a range up to the end", { range: [58, 60] }, { pages: [58, 59, 60], next: null }],
  ["a range of 51 pages", { range: [1, 51] }, "too_many_pages"],
  ["a range from 0", { range: [0, 3] }, "page_out_of_range"],
  ["a range past the end", { range: [60, 61] }, "page_out_of_range"],
  ["a range that runs backwards", { range: [5, 3] }, "page_out_of_range"],
  ["half a page", { range: [1.5, 3] }, "page_out_of_range"],
  ["single pages, each once, in order", { pages: [9, 2, 9] }, { pages: [2, 9], next: null }],
  ["no page at all", { pages: [] }, "page_out_of_range"],
  ["a page that is not there", { pages: [1, 61] }, "page_out_of_range"],
  ["51 single pages", { pages: Array.from({ length: 51 }, (_, n) => n + 1) }, "too_many_pages"],
  ["a range and single pages", { range: [1, 2], pages: [1] }, "page_out_of_range"],
];

for (const [name, order, outcome] of ORDERS) test(`${name} (22 rule 7)`, () => assert.deepEqual(chosen(order), outcome));

test("ranges that follow more_from read every page of any document once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 50 }), (total, most) => {
      const read: number[] = [];
      for (let first: number | null = 1; first !== null;) {
        const part = choosePages({ range: [first, Math.min(total, first + most - 1)], pages: undefined, total, most });
        read.push(...part.pages);
        first = part.next;
      }
      assert.deepEqual(
        read,
        Array.from({ length: total }, (_, n) => n + 1),
      );
    }),
    { seed: Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31) },
  );
});
