import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:https";
import { describe, it, type TestContext } from "node:test";
import type { PackageQuestion, PackageShelf, ShelvedFile } from "../../../src/contract/index.ts";
import { refused } from "../../identity/people.ts";
import { until } from "../../support/until.ts";
import { letter, post, refusalOf, type LetterFacts } from "../support/letters.ts";
import { invite, Street, type House } from "../support/street.ts";

/** Without a brace: the letters of these tests read what begins with one as JSON. */
const FILE = Buffer.from(randomBytes(200_000).map((byte) => (byte === 0x7b ? 0 : byte)));
const HASH = createHash("sha256").update(FILE).digest("hex");
const OTHER = "ab".repeat(32);
const LIST = Buffer.from('{"signed":{"version":3}}');

/** A shelf as the marketplace's own, as far as the routes know it; `asked` takes notes. */
function shelfOf(asked: string[] = []): PackageShelf {
  const file: ShelvedFile = {
    sizeBytes: FILE.byteLength,
    read: async function* (from, to) {
      for (let at = from; at < to; at += 10_000) yield FILE.subarray(at, Math.min(to, at + 10_000));
    },
  };
  return {
    lists: () => [],
    meta: (registry, name) => {
      asked.push(`${registry} ${name}`);
      return registry === "village" && name === "3.snapshot.json" ? LIST : undefined;
    },
    blob: (by, hash) => {
      asked.push(`${by} ${hash}`);
      return (by === "sha256" ? HASH : OTHER) === hash ? file : undefined;
    },
  };
}

function blob(hash: string, by: "sha256" | "blake3" = "sha256"): LetterFacts {
  return { method: "GET", path: `/pkg/v1/blobs/${by}/${hash}`, capability: "sys.pkg.blob", body: { [by]: hash } };
}

function meta(registry: string, file: string): LetterFacts {
  return { method: "GET", path: `/pkg/v1/tuf/${registry}/${file}`, capability: "sys.pkg.meta", body: { registry, file } };
}

async function houses(t: TestContext, o: { asked?: string[]; uploads?: object } = {}): Promise<[House, House, Street]> {
  const street = new Street(t);
  const shelf = shelfOf(o.asked);
  const listener = { packages: () => shelf, rates: { perAddress: 1000 }, uploads: { bytesPerSecond: 1e12, ...o.uploads } };
  const [anna, ben] = await street.neighbours({ anna: { listener } });
  return [anna, ben, street];
}

function send(by: House, to: House, at: number, facts: LetterFacts): ReturnType<typeof post> {
  return post(to, letter(by.signer, to, { at, community: to.communityId(), ...facts }));
}

async function taken(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

describe("packages for neighbours (marketplace §5.5)", () => {
  it("are there for members, and not for who is invited, a stranger or who is revoked", async (t) => {
    const [anna, ben, street] = await houses(t);
    const [carl, dora] = [await street.house("Carl"), await street.house("Dora")];
    await invite(anna, carl);
    const at = street.clock.now();
    for (const facts of [blob(HASH), blob(OTHER, "blake3"), meta("village", "3.snapshot.json")]) {
      assert.equal((await send(ben, anna, at, facts)).status, 200);
      for (const other of [carl, dora])
        assert.equal(refusalOf(await send(other, anna, at, facts), anna, { from: other.nodeId }), "401 unauthorized");
    }
    await anna.community.revoke({ target: ben.nodeId, reason: "gone" });
    assert.equal(refusalOf(await send(ben, anna, at, blob(HASH)), anna, { from: ben.nodeId }), "403 revoked");
  });

  it("are asked for by names of the protocol's own form; no other word reaches the shelf", async (t) => {
    const asked: string[] = [];
    const [anna, ben, street] = await houses(t, { asked });
    const at = street.clock.now();
    const wrong: LetterFacts[] = [
      blob(HASH.toUpperCase()),
      blob(HASH.slice(1)),
      meta("..", "timestamp.json"),
      meta("village", "snapshot.json"),
      meta("village", "01.snapshot.json"),
      meta("village", "blob:x.json"),
      meta("village", "3.snapshot.json.bak"),
    ];
    for (const facts of wrong) {
      const { status } = await send(ben, anna, at, facts);
      assert.ok(status >= 400 && status < 500, String(facts.path));
    }
    assert.deepEqual(asked, []);
    const traverse = { ...meta("village", "..%2f..%2fkeys"), body: { registry: "village", file: "../../keys" } };
    assert.equal(refusalOf(await send(ben, anna, at, traverse), anna, { from: ben.nodeId }), "404 not_found package_absent");
    assert.equal(
      refusalOf(await send(ben, anna, at, blob("cd".repeat(32))), anna, { from: ben.nodeId }),
      "404 not_found package_absent",
    );
    assert.deepEqual(asked, [`sha256 ${"cd".repeat(32)}`]);
  });

  it("come under a signature that names the very file", async (t) => {
    const [anna, ben, street] = await houses(t);
    const answer = await send(ben, anna, street.clock.now(), { ...blob(HASH), body: { sha256: OTHER } });
    assert.equal(refusalOf(answer, anna, { from: ben.nodeId }), "401 invalid_signature");
  });

  it("come whole or in part, and a part beyond the end is refused", async (t) => {
    const [anna, ben, street] = await houses(t);
    const part = async (range: string): Promise<{ status: number; length: unknown; range: unknown }> => {
      const asking = letter(ben.signer, anna, { at: street.clock.now(), community: anna.communityId(), ...blob(HASH) });
      const { status, headers } = await post(anna, { ...asking, headers: { ...asking.headers, range } });
      return { status, length: headers["content-length"], range: headers["content-range"] };
    };
    assert.deepEqual(await part("bytes=10-19"), { status: 206, length: "10", range: "bytes 10-19/200000" });
    assert.deepEqual(await part("bytes=199990-"), { status: 206, length: "10", range: "bytes 199990-199999/200000" });
    assert.deepEqual(await part("bytes=199990-999999999"), { status: 206, length: "10", range: "bytes 199990-199999/200000" });
    for (const odd of ["bytes=-5", "bytes=0-1,5-6", "lines=1-2"]) assert.equal((await part(odd)).status, 200, odd);
    for (const none of ["bytes=200000-", "bytes=5-4"]) assert.equal((await part(none)).status, 416, none);
  });

  it("are no part of a page, and no cache keeps them", async (t) => {
    const [anna, ben, street] = await houses(t);
    const { headers } = await send(ben, anna, street.clock.now(), blob(HASH));
    assert.equal(headers["content-type"], "application/octet-stream");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.match(String(headers["content-security-policy"]), /sandbox/);
  });

  it("are not given by a node that gives none", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    const at = street.clock.now();
    assert.equal(refusalOf(await send(ben, anna, at, blob(HASH)), anna, { from: ben.nodeId }), "404 not_found package_absent");
    assert.equal(
      refusalOf(await send(ben, anna, at, meta("village", "3.snapshot.json")), anna, { from: ben.nodeId }),
      "404 not_found package_absent",
    );
  });

  it("leave no faster than the rate; a neighbour that goes away frees its place", async (t) => {
    const [anna, ben, street] = await houses(t, { uploads: { bytesPerSecond: 100_000, perPeer: 1 } });
    const { bytes } = await ben.link.packageFile(anna.address(), { kind: "blob", by: "sha256", hash: HASH });
    let got = 0;
    const reading = (async () => {
      for await (const part of bytes) got += part.byteLength;
    })();
    await until("the first bytes are here", () => got > 0);
    assert.ok(got <= 30_000, `${got} bytes came at once`);
    assert.equal(
      refusalOf(await send(ben, anna, street.clock.now(), blob(HASH)), anna, { from: ben.nodeId }),
      "429 capacity_exceeded uploads_full",
    );
    for (let ms = 0; ms < 2000 && got < FILE.byteLength; ms += 100) {
      street.clock.advance(100);
      assert.ok(got <= 30_000 + (ms / 1000) * 100_000, `${got} bytes after ${ms} ms`);
      const expected = Math.min(FILE.byteLength, 10_000 + (ms / 1000) * 100_000);
      await until(`${expected} bytes are here`, () => got >= expected);
    }
    await reading;
    assert.equal(got, FILE.byteLength);

    const asking = letter(ben.signer, anna, { at: street.clock.now(), community: anna.communityId(), ...blob(HASH) });
    const gone = request(`${anna.listener.url}${asking.path}`, {
      headers: asking.headers,
      rejectUnauthorized: false,
      agent: false,
    });
    gone
      .on("error", () => undefined)
      .on("response", () => gone.destroy())
      .end();
    await until("the place is free", async () => {
      street.clock.advance(1000);
      const again = letter(ben.signer, anna, { at: street.clock.now(), community: anna.communityId(), ...blob(HASH) });
      const status = await headOf(anna, again);
      return status === 200;
    });
  });
});

/** Status alone; the body is not waited for. */
function headOf(house: House, { path, headers }: ReturnType<typeof letter>): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(`${house.listener.url}${path}`, { headers, rejectUnauthorized: false, agent: false }, (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    call.on("error", reject).end();
  });
}

describe("asking a neighbour for a file (marketplace §5.5)", () => {
  const wanted: PackageQuestion = { kind: "blob", by: "sha256", hash: HASH };

  it("gets lists, and files by either name, from the start or from a byte on", async (t) => {
    const [anna, ben] = await houses(t);
    const ask = async (question: PackageQuestion): Promise<{ from: number; bytes: Buffer }> => {
      const { from, bytes } = await ben.link.packageFile(anna.address(), question);
      return { from, bytes: await taken(bytes) };
    };
    assert.deepEqual((await ask({ kind: "meta", registry: "village", file: "3.snapshot.json" })).bytes, LIST);
    assert.deepEqual(await ask(wanted), { from: 0, bytes: FILE });
    assert.deepEqual((await ask({ kind: "blob", by: "blake3", hash: OTHER })).bytes, FILE);
    const rest = await ask({ ...wanted, from: 150_001 });
    assert.deepEqual(rest, { from: 150_001, bytes: FILE.subarray(150_001) });
  });

  it("hears a refusal as the neighbour signed it, and waits where it is asked to", async (t) => {
    const [anna, ben, street] = await houses(t);
    await assert.rejects(
      ben.link.packageFile(anna.address(), { kind: "blob", by: "sha256", hash: OTHER }),
      refused("not_found", "package_absent"),
    );
    await anna.restart({ rates: { softPerCapability: 1 }, packages: () => shelfOf() });
    let answered = 0;
    const asking = Promise.all(
      [1, 2, 3].map(async () => {
        await taken((await ben.link.packageFile(anna.address(), wanted)).bytes);
        answered += 1;
      }),
    );
    await until("the first ones have answers", () => answered >= 2);
    await until("the last one waits and asks again", () => {
      street.clock.advance(200);
      return answered === 3;
    });
    await asking;
  });

  it("gives up a neighbour that falls silent, and leaves when it is told to", async (t) => {
    const [anna, ben, street] = await houses(t, { uploads: { bytesPerSecond: 1 } });
    const { bytes } = await ben.link.packageFile(anna.address(), wanted);
    let isOver = false;
    const reading = assert.rejects(taken(bytes), refused("partition", "stream_cut")).finally(() => (isOver = true));
    await until("it is given up", () => {
      street.clock.advance(5000);
      return isOver;
    });
    await reading;
    await anna.restart({ packages: () => shelfOf(), uploads: { bytesPerSecond: 1 } });
    const stop = new AbortController();
    const second = await ben.link.packageFile(anna.address(), wanted, { signal: stop.signal });
    const left = assert.rejects(taken(second.bytes), refused("timeout"));
    stop.abort();
    await left;
  });
});
