import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import { anyAddress, portError, readEndpoints } from "../src/listen-address.ts";
import { refusal } from "./support/people.ts";

describe("where neighbours can try this node", () => {
  it("is the address that it was told, or every one that this machine has", () => {
    assert.deepEqual(readEndpoints("192.0.2.25", 7080), [{ transport: "https", host: "192.0.2.25", port: 7080 }]);
    for (const any of ["0.0.0.0", "::", "", anyAddress()]) {
      const found = readEndpoints(any, 7080);
      assert.ok(found.length > 0 && found.length <= 8);
      for (const { host, port } of found) assert.ok(isIP(host) !== 0 && port === 7080 && !host.startsWith("fe80:"), host);
    }
  });
});

describe("what the system says about a port", () => {
  const system = (code: string): Error => Object.assign(new Error(`listen ${code} :::80`), { code });

  it("becomes what happened and what to do", () => {
    for (const code of ["EADDRINUSE", "EACCES"])
      assert.ok(refusal("bad_request", "port_taken")(portError(system(code), 80)), code);
    assert.match((portError(system("EACCES"), 80) as { action: string }).action, /above 1023/);
    for (const code of ["EADDRNOTAVAIL", "ENOTFOUND"]) assert.ok(refusal("bad_request")(portError(system(code), 80)), code);
  });

  it("stays what it is where nothing better can be said", () => {
    const other = system("EMFILE");
    assert.equal(portError(other, 80), other);
  });
});
