import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readRegistries, registrySources } from "../src/configured-registries.ts";
import { HnError } from "../src/foundation/index.ts";

const HASH = "0123456789abcdef".repeat(4);
const VILLAGE = { name: "village", url: "https://plugins.village.example", root: "village.root.json", namespaces: ["village/*"] };
const STICK = { name: "stick", path: "media/registry", root: `sha256:${HASH}`, namespaces: ["acme/*", "bolt/*"] };

describe("further registries in hearthnet.config.ts (marketplace §5)", () => {
  it("stand behind the one that ships with the host, with whole paths and the pin as such", () => {
    const [own, ...others] = registrySources(readRegistries([VILLAGE, STICK], "/srv/hearthnet"));
    assert.deepEqual([own?.id, own?.embedded, own?.namespaces], ["hearthnet", true, ["hearthnet/*", "*"]]);
    assert.deepEqual(others, [
      {
        id: "village",
        source: "https://plugins.village.example/",
        root: "/srv/hearthnet/village.root.json",
        namespaces: ["village/*"],
      },
      { id: "stick", source: "/srv/hearthnet/media/registry", root: { sha256: HASH }, namespaces: ["acme/*", "bolt/*"] },
    ]);
  });

  it("may lie on this machine without https", () => {
    for (const url of ["http://127.0.0.1:8080", "http://localhost:8080/r", "http://[::1]:8080"])
      assert.equal(readRegistries([{ ...VILLAGE, url }], "/").length, 1, url);
  });

  const mistakes: [what: string, entries: unknown, told: RegExp][] = [
    ["no list", VILLAGE, /"registries": a list/],
    ["too many", Array(17).fill(VILLAGE), /at most 16/],
    ["no object", ["village"], /"registries\/0"/],
    ["an unknown setting", [{ ...VILLAGE, key: "x" }], /"registries\/0\/key": there is no such setting; known are name, url/],
    ["no name", [{ ...VILLAGE, name: undefined }], /"registries\/0\/name"/],
    ["a name with capitals", [{ ...VILLAGE, name: "Village" }], /"registries\/0\/name": a short name/],
    ["the host's own name", [{ ...VILLAGE, name: "hearthnet" }], /ships with the host/],
    ["a name twice", [VILLAGE, { ...STICK, name: "village" }], /"registries\/1\/name": two registries are called village/],
    ["neither url nor path", [{ ...VILLAGE, url: undefined }], /either url or path/],
    ["both url and path", [{ ...VILLAGE, path: "/media" }], /either url or path/],
    ["an empty path", [{ ...STICK, path: "" }], /"registries\/0\/path"/],
    ["no address", [{ ...VILLAGE, url: "village" }], /"registries\/0\/url": an address with https/],
    ["an address without TLS", [{ ...VILLAGE, url: "http://plugins.village.example" }], /https:\/\/ is expected/],
    ["another protocol", [{ ...VILLAGE, url: "file:///media" }], /https:\/\/ is expected/],
    ["a password in the address", [{ ...VILLAGE, url: "https://me:secret@village.example" }], /no password/],
    ["a question in the address", [{ ...VILLAGE, url: "https://village.example/?a" }], /no password and no \?/],
    ["no root", [{ ...VILLAGE, root: undefined }], /"registries\/0\/root": a copy of its root\.json/],
    ["a short hash", [{ ...VILLAGE, root: "sha256:abc" }], /64 digits/],
    ["a root from its own folder", [{ ...STICK, root: "media/registry/root.json" }], /must not lie in the registry's own folder/],
    ["no namespaces", [{ ...VILLAGE, namespaces: [] }], /"registries\/0\/namespaces": a list as \["acme\/\*"\]/],
    ["a namespace without star", [{ ...VILLAGE, namespaces: ["village"] }], /a list as/],
    ["every namespace", [{ ...VILLAGE, namespaces: ["*"] }], /\* belongs to the registry that ships with the host/],
    ["the first-party namespace", [{ ...VILLAGE, namespaces: ["hearthnet/*"] }], /hearthnet\/\* belongs to the registry that/],
    ["a namespace of two", [VILLAGE, { ...STICK, namespaces: ["village/*"] }], /village\/\* belongs to village already/],
    ["a namespace twice", [{ ...VILLAGE, namespaces: ["village/*", "village/*"] }], /village\/\* belongs to village already/],
  ];
  for (const [what, entries, told] of mistakes)
    it(`are refused with ${what}`, () => {
      assert.throws(
        () => readRegistries(entries, "/srv"),
        (error) => {
          assert.ok(HnError.isHnError(error), String(error));
          assert.equal(error.code, "bad_request");
          assert.match(error.message, told);
          assert.match(error.action, /Correct the line/);
          assert.ok(!error.message.includes("secret"), "what may be a password is not repeated");
          return true;
        },
      );
    });

  it("may have a root beside a folder of a similar name", () => {
    assert.equal(
      readRegistries([{ ...STICK, root: "media/registry.root.json" }], "/srv")[0]?.root,
      "/srv/media/registry.root.json",
    );
    assert.equal(readRegistries([{ ...STICK, root: "media/..registry.json" }], "/srv").length, 1);
  });
});
