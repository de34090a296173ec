import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { nodeIdOfCertificate, openKeystore, spkiSha256 } from "../../../src/identity/index.ts";
import { temporaryFolder } from "../people.ts";

describe("the certificate (02 §9, T-18)", () => {
  it("is over the node's own key, with a second pair for browsers whose hash the manifest can name", async (t) => {
    const keystore = openKeystore(temporaryFolder(t));
    const { cert, key, spkiSha256: named } = await keystore.tls();
    const [own, second] = cert.map((pem) => new X509Certificate(pem));
    assert.ok(own !== undefined && second !== undefined && key.length === 2);
    assert.equal(nodeIdOfCertificate(own), keystore.nodeId);
    assert.equal(nodeIdOfCertificate(second), null);
    assert.equal(spkiSha256(second), named);
    assert.ok(own.verify(own.publicKey) && second.verify(second.publicKey));
    assert.ok(own.validToDate.getTime() > Date.now() + 9 * 365 * 86_400_000);
  });

  it("stays the same over restarts, and is made anew when it is damaged or another node's", async (t) => {
    const dataDir = temporaryFolder(t);
    const path = join(dataDir, "tls", "server.crt");
    const first = (await openKeystore(dataDir).tls()).cert[0];
    assert.equal((await openKeystore(dataDir).tls()).cert[0], first);
    for (const content of ["rubbish", "", (await openKeystore(temporaryFolder(t)).tls()).cert[0] ?? ""]) {
      writeFileSync(path, content);
      const keystore = openKeystore(dataDir);
      const [pem = ""] = (await keystore.tls()).cert;
      assert.equal(nodeIdOfCertificate(new X509Certificate(pem)), keystore.nodeId);
      assert.equal(readFileSync(path, "utf8"), pem);
    }
  });
});
