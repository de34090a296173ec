import assert from "node:assert/strict";
import { it } from "node:test";
import { greeting } from "../src/greeting.ts";

it("greets by name, without the white space around it", () => {
  assert.equal(greeting("Hello", " Ada "), "Hello, Ada!");
});
