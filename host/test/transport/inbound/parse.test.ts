import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { get, letter, post, refusalOf, type Letter, type LetterFacts } from "../support/letters.ts";
import { Endings, Street, type House } from "../support/street.ts";

describe("form of a request (02 §3 step 1)", () => {
  const endings = new Endings();
  let anna: House;
  let ben: House;
  before(async () => {
    const listener = { rates: { perAddress: 1000, softPerCapability: 1000, softTotal: 10_000 } };
    [anna, ben] = await new Street(endings).neighbours({ anna: { listener } });
    anna.offer();
    anna.offer({ name: "ext.demo.large" }, undefined, { maxBodyBytes: 3_000_000 });
  });
  after(() => endings.run());

  async function ask(spoil: (one: Letter) => void, facts: LetterFacts = {}): Promise<string> {
    const one = letter(ben.signer, anna, facts);
    spoil(one);
    const answer = await post(anna, one);
    return answer.status === 200 ? "200" : refusalOf(answer, anna, { from: ben.nodeId });
  }

  it("needs every header in its form", async () => {
    const wrong: [string, string][] = [
      ["capability", "Ext.Demo"],
      ["capability", "echo"],
      ["capability", "ext.demo.\u00e9"],
      ["capability", `ext.${"a".repeat(64)}`],
      ["capability-version", "1"],
      ["capability-version", "01.0"],
      ["capability-version", "1.0.0"],
      ["timestamp", "2026-07-01T12:00:00.000Z"],
      ["timestamp", "2026-07-01 12:00:00Z"],
      ["timestamp", "2026-02-30T12:00:00Z"],
      ["to", "ed25519:short"],
      ["timeout-ms", "0"],
      ["timeout-ms", "1e3"],
      ["timeout-ms", "-1"],
      ["trace-id", "a b c d e f g"],
    ];
    for (const [name, value] of wrong)
      assert.equal(
        await ask((one) => (one.headers[`x-hearthnet-${name}`] = value)),
        "400 bad_request header_missing",
        `${name}: ${value}`,
      );
    assert.equal(await ask((one) => (one.headers["x-hearthnet-community"] = "x")), "400 bad_request bad_node_id");
    for (const name of ["capability", "capability-version", "community", "timestamp", "signature"])
      for (const spoil of [
        (one: Letter) => delete one.headers[`x-hearthnet-${name}`],
        (one: Letter) => (one.headers[`x-hearthnet-${name}`] = ""),
      ])
        assert.equal(await ask(spoil), "400 bad_request header_missing", name);
  });

  it("answers to nobody in particular when nobody has named itself", async () => {
    for (const name of ["from", "request-id"]) {
      const one = letter(ben.signer, anna);
      delete one.headers[`x-hearthnet-${name}`];
      const to = name === "from" ? {} : { from: ben.nodeId };
      assert.equal(refusalOf(await post(anna, one), anna, to), "400 bad_request header_missing");
    }
  });

  it("refuses a header that stands there twice", async () => {
    for (const name of ["x-hearthnet-from", "x-hearthnet-to", "X-HEARTHNET-Signature", "accept", "authorization"])
      assert.equal(
        await ask((one) => (one.headers[name] = [String(one.headers[name.toLowerCase()] ?? "a"), "b"])),
        "400 bad_request header_missing",
        name,
      );
  });

  it("refuses a query string on the bus, a content coding and another media type", async () => {
    assert.equal(await ask((one) => (one.path += "?a=1")), "400 bad_request");
    for (const coding of ["gzip", "identity, gzip", "br"])
      assert.equal(await ask((one) => (one.headers["content-encoding"] = coding)), "400 bad_request header_missing");
    for (const type of ["text/plain", "application/jsonx", "application/json; charset=latin1", "rubbish"])
      assert.equal(
        await ask((one) => (one.headers["content-type"] = type)),
        type === "rubbish" ? "400 bad_request" : "400 bad_request header_missing",
        type,
      );
    assert.equal(await ask((one) => (one.headers["content-type"] = "application/json; charset=utf-8")), "200");
  });

  it("refuses what is not strict JSON, or no object", async () => {
    const table: [string, string][] = [
      ["", "json_invalid"],
      ["[]", "json_invalid"],
      ['{"params":{},"input":{},"input":{}}', "json_duplicate_key"],
      ['{"params":{},"input":{"__proto__":{}}}', "json_forbidden_key"],
      ['{"params":{},"input":{"n":9007199254740993}}', "json_unsafe_number"],
      [`{"params":{},"input":${"[".repeat(64)}${"]".repeat(64)}}`, "json_too_deep"],
      ['\ufeff{"params":{},"input":{}}', "json_invalid"],
      ['{"params":{},"input":{}} x', "json_invalid"],
    ];
    for (const [body, reason] of table) assert.equal(await ask((one) => (one.body = body)), `400 bad_request ${reason}`, body);
  });

  it("holds a body to the capability's limit, and its sender gets to read so while it still sends", async () => {
    const input = (bytes: number): LetterFacts => ({ body: { params: {}, input: { text: "x".repeat(bytes) } } });
    const leave = (): undefined => undefined;
    assert.equal(await ask(leave, input(1_000_000)), "200");
    assert.equal(await ask(leave, input(1_048_577)), "400 bad_request too_large");
    assert.equal(await ask(leave, { ...input(2_900_000), capability: "ext.demo.large" }), "200");
    assert.equal(await ask(leave, { ...input(3_000_000), capability: "ext.demo.large" }), "400 bad_request too_large");
    const chunked = (one: Letter): void => void (one.headers["transfer-encoding"] = "chunked");
    assert.equal(await ask(chunked, input(8_000_000)), "400 bad_request too_large");
    assert.equal(await ask(chunked, input(1_000_000)), "200");
  });

  it("signs a GET over its query, and takes no body there", async () => {
    const heads = { method: "GET", path: "/sync/v1/heads", capability: "sys.sync.heads" } as const;
    assert.equal(await ask(() => undefined, heads), "200");
    assert.equal(await ask((one) => (one.path += "?brief=1"), heads), "401 invalid_signature");
    assert.equal(await ask((one) => (one.path += "?brief=1"), { ...heads, body: { brief: "1" } }), "200");
    assert.equal(await ask((one) => (one.path += "?a=1&a=2"), heads), "400 bad_request");
    assert.equal(await ask((one) => (one.path += "?__proto__=1"), heads), "400 bad_request");
    const withBody = (one: Letter): void => {
      one.headers["content-length"] = "2";
      one.body = "{}";
    };
    assert.equal(await ask(withBody, heads), "400 bad_request");
  });

  it("takes at each address only the name that belongs there (T-4)", async () => {
    const heads = { method: "GET", path: "/sync/v1/heads" } as const;
    assert.equal(await ask(() => undefined, { ...heads, capability: "sys.sync.events" }), "400 bad_request header_missing");
    assert.equal(
      await ask(() => undefined, { ...heads, capability: "sys.sync.heads", version: "1.1" }),
      "400 bad_request header_missing",
    );
    assert.equal(await ask(() => undefined, { capability: "sys.sync.heads" }), "404 not_found", "and nothing of it on the bus");
  });

  it("is refused in our own words when the path cannot be read", async () => {
    for (const path of ["/nothing", "/bus/v1/call/", "/Manifest"])
      assert.equal(refusalOf(await get(anna, path), anna), "404 not_found", path);
    assert.equal(refusalOf(await get(anna, "/%zz"), anna), "400 bad_request");
  });
});
