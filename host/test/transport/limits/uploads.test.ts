import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Uploads } from "../../../src/transport/limits/uploads.ts";
import { refused } from "../../identity/people.ts";

const LIMITS = { bytesPerSecond: 1000, perPeer: 2, total: 3 };
const full = refused("capacity_exceeded", "uploads_full");

describe("uploads to neighbours (marketplace §5.5)", () => {
  it("are so many at a time for one neighbour and for all, and a place that is free is given again", () => {
    const uploads = new Uploads(LIMITS);
    const first = uploads.begin("ann");
    uploads.begin("ann");
    assert.throws(() => uploads.begin("ann"), full);
    uploads.begin("bob");
    assert.throws(() => uploads.begin("cem"), full, "the house is full");
    first();
    first();
    uploads.begin("cem");
    assert.throws(() => uploads.begin("bob"), full, "ended twice, one place is free and not two");
  });

  it("go no faster than the rate, over all files of one neighbour, and another's do not count", () => {
    const uploads = new Uploads(LIMITS);
    assert.equal(uploads.reserve("ann", 250, 0), 0, "a quarter of a second at once");
    assert.equal(uploads.reserve("ann", 500, 0), 500);
    assert.equal(uploads.reserve("ann", 500, 0), 1000, "whoever comes second waits for both");
    assert.equal(uploads.reserve("bob", 250, 0), 0);
    assert.equal(uploads.reserve("ann", 500, 1000), 500);
    assert.equal(uploads.reserve("ann", 250, 60_000), 0, "after a rest it may have a burst again, and no more than one");
    assert.equal(uploads.reserve("ann", 100, 60_000), 100);
  });
});
