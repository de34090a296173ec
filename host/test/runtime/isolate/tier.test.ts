import assert from "node:assert/strict";
import { test } from "node:test";
import { tierOf } from "../../../src/runtime/isolate/index.ts";

/** Every cell: what the manifest asks for at least, with addons or without, the operator's wish, and what comes of it. */
const CELLS: [min: "process" | "isolate", native: boolean | undefined, raised: boolean, tier: "process" | "isolate"][] = [
  ["process", undefined, false, "process"],
  ["process", undefined, true, "process"],
  ["process", false, false, "process"],
  ["process", false, true, "process"],
  ["process", true, false, "process"],
  ["process", true, true, "process"],
  ["isolate", undefined, false, "isolate"],
  ["isolate", undefined, true, "process"],
  ["isolate", false, false, "isolate"],
  ["isolate", false, true, "process"],
  ["isolate", true, false, "process"],
  ["isolate", true, true, "process"],
];

for (const [min, native, raised, tier] of CELLS) {
  const wish = raised ? "raised by the operator" : "as it says";
  test(`a manifest with ${min}${native === undefined ? "" : `, native ${native}`}, ${wish}, runs as ${tier} (§1.2.4)`, () => {
    assert.equal(tierOf(native === undefined ? { min } : { min, native }, raised), tier);
  });
}
