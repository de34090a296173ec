import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AddressGuard } from "../../../src/transport/limits/address-guard.ts";

const HOME = "192.0.2.7";

describe("what one address may send before any cryptography (T-12)", () => {
  it("is a bucket of 100, 50 a second after that; the rest hears so ten times a second at most", () => {
    const guard = new AddressGuard();
    const kinds = Array.from({ length: 130 }, () => guard.arrive(HOME, undefined, 0).kind);
    assert.equal(kinds.filter((kind) => kind === "pass").length, 100);
    assert.equal(kinds.filter((kind) => kind === "wait").length, 20);
    assert.equal(kinds.filter((kind) => kind === "drop").length, 10);
    assert.equal(guard.arrive(HOME, undefined, 20).kind, "pass");
    assert.equal(guard.arrive("192.0.2.8", undefined, 0).kind, "pass");
  });

  it("ends for a minute with twenty bad signatures within a minute, not with twenty in two", () => {
    const guard = new AddressGuard();
    for (let i = 0; i < 19; i++) guard.failedSignature(HOME, "x", 0);
    guard.failedSignature(HOME, "x", 60_000);
    assert.equal(guard.arrive(HOME, undefined, 60_000).kind, "pass");
    for (let i = 0; i < 19; i++) guard.failedSignature(HOME, "x", 60_001);
    const blocked = guard.arrive(HOME, undefined, 60_001);
    assert.deepEqual(blocked, { kind: "wait", retryAfterMs: 60_000 });
    assert.equal(guard.arrive(HOME, undefined, 120_001).kind, "pass");
  });

  it("does not shut out a member who proved itself there, until its name is misused as often", () => {
    const guard = new AddressGuard({ perSecond: 1 });
    guard.proven(HOME, "anna", 0);
    for (let i = 0; i < 20; i++) guard.failedSignature(HOME, "mallory", 0);
    assert.equal(guard.arrive(HOME, "mallory", 0).kind, "wait");
    for (let i = 0; i < 50; i++) assert.equal(guard.arrive(HOME, "anna", 0).kind, "pass");
    assert.notEqual(guard.arrive("192.0.2.8", "anna", 0).kind, "drop", "elsewhere the name says nothing");
    for (let i = 0; i < 20; i++) guard.failedSignature(HOME, "anna", 0);
    assert.notEqual(guard.arrive(HOME, "anna", 0).kind, "pass");
  });

  it("forgets a proof after ten minutes", () => {
    const guard = new AddressGuard({ perSecond: 1 });
    guard.proven(HOME, "anna", 0);
    for (let i = 0; i < 20; i++) guard.failedSignature(HOME, "mallory", 599_000);
    assert.equal(guard.arrive(HOME, "anna", 599_999).kind, "pass");
    assert.equal(guard.arrive(HOME, "anna", 600_000).kind, "wait");
  });
});
