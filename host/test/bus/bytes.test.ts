import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../src/foundation/index.ts";
import { ask, body, inbound, makeBus, offer } from "./make.ts";

describe("bytes (plugin-platform §4)", () => {
  const picture = { request_schema: { properties: { input: { properties: { image_b64: { type: "string", minLength: 4 } } } } } };
  const seen: unknown[] = [];
  const withBytes = (): ReturnType<typeof makeBus>["bus"] => {
    const { bus } = makeBus();
    bus.offer({
      ...offer(picture, (call) => {
        seen.push(call.body.input["image_b64"]);
        return Promise.resolve({ output: { out_b64: new Uint8Array([1, 2, 3]) as never }, meta: {} });
      }),
      binary: ["/input/image_b64", "/output/out_b64"],
    });
    return bus;
  };
  test("text from the wire reaches the handler as bytes, bytes stay bytes", async () => {
    const bus = withBytes();
    const fromWire = await bus.serve(inbound({ body: body({ image_b64: "AQID" }) }));
    await bus.call(ask({ body: body({ image_b64: new Uint8Array([1, 2, 3]) as never }) }));
    assert.deepEqual(seen.splice(0), [new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3])]);
    assert.ok(fromWire.output["out_b64"] instanceof Uint8Array);
  });
  test("what is no strict base64url is refused with its place (00 G-4)", async () => {
    const bus = withBytes();
    for (const text of ["AQI=", "AQJ", "AQ==", "A+/D", "AQID\n"]) {
      await assert.rejects(bus.serve(inbound({ body: body({ image_b64: text }) })), (error) => {
        assert.ok(HnError.isHnError(error));
        return (error.code === "bad_request" && error.message.includes("/input/image_b64")) || error.code === "schema_mismatch";
      });
    }
    assert.equal(seen.length, 0);
  });
  test("the caller's own object is not changed", async () => {
    const request = body({ image_b64: "AQID" });
    await withBytes().serve(inbound({ body: request }));
    assert.equal(request.input["image_b64"], "AQID");
    seen.length = 0;
  });
});
