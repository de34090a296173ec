import assert from "node:assert/strict";
import { it } from "node:test";
import { importsOf, sourceFiles, type Import } from "./sources.ts";

/** The table of ARCHITECTURE.md. */
const FLOORS: Record<string, number> = {
  contract: 0,
  foundation: 0,
  identity: 1,
  community: 2,
  format: 2,
  bus: 3,
  transport: 4,
  discovery: 4,
  runtime: 5,
  marketplace: 6,
  admin: 7,
  cli: 7,
};
const TOP = 8;
/** foundation stands on the types of contract, on the same floor. */
const NEIGHBOURS = new Set(["foundation → contract"]);

const HOST = sourceFiles(["host/src/**/*.ts"]);

function roomOf(path: string): string {
  return /^host\/src\/([a-z-]+)\//.exec(path)?.[1] ?? "";
}

function floorOf(path: string): number {
  const room = roomOf(path);
  return room === "" ? TOP : (FLOORS[room] ?? Number.NaN);
}

function show(list: Import[]): string[] {
  return list.map(({ from, specifier }) => `${from} imports ${specifier}`);
}

it("knows every room of the host", () => {
  const rooms = new Set(HOST.map(roomOf).filter((room) => room !== ""));
  assert.deepEqual(
    [...rooms].filter((room) => FLOORS[room] === undefined),
    [],
  );
});

it("reads imports at all: a planted one is found", () => {
  const found = importsOf("host/src/node.ts").map(({ specifier }) => specifier);
  assert.ok(found.includes("./bus/index.ts") && found.includes("node:crypto"));
});

it("a room imports only rooms on floors below it", () => {
  const wrong = HOST.flatMap(importsOf).filter(({ from, target }) => {
    if (target === null || !target.startsWith("host/src/") || roomOf(from) === roomOf(target)) return false;
    if (NEIGHBOURS.has(`${roomOf(from)} → ${roomOf(target)}`)) return false;
    return !(floorOf(target) < floorOf(from));
  });
  assert.deepEqual(show(wrong), []);
});

it("a room is entered only through its index.ts", () => {
  const wrong = HOST.flatMap(importsOf).filter(
    ({ from, target }) =>
      target !== null &&
      target.startsWith("host/src/") &&
      roomOf(target) !== "" &&
      roomOf(from) !== roomOf(target) &&
      !target.endsWith("/index.ts"),
  );
  assert.deepEqual(show(wrong), []);
});

it("plugins know nothing but the SDK and what npm gives them", () => {
  const wrong = sourceFiles(["plugins/*/src/**/*.ts"])
    .flatMap(importsOf)
    .filter(({ from, specifier, target }) => {
      const house = /^plugins\/[^/]+\//.exec(from)?.[0] ?? "";
      return (
        (target !== null && !target.startsWith(house)) ||
        (specifier.startsWith("@hearthnet/") && specifier !== "@hearthnet/sdk-plugin")
      );
    });
  assert.deepEqual(show(wrong), []);
});

it("the page knows the host's contract and nothing else of it", () => {
  const wrong = sourceFiles(["admin-ui/src/**/*.{ts,svelte}"])
    .flatMap(importsOf)
    .filter(
      ({ specifier, target }) =>
        (target !== null && !target.startsWith("admin-ui/")) ||
        (specifier.startsWith("@hearthnet/") && specifier !== "@hearthnet/host/contract"),
    );
  assert.deepEqual(show(wrong), []);
});

it("SDK and registry meet the host through its public doors", () => {
  const wrong = sourceFiles(["sdk-plugin/src/**/*.ts", "registry/src/**/*.ts"])
    .flatMap(importsOf)
    .filter(({ from, target }) => target !== null && !target.startsWith(`${from.split("/")[0] ?? ""}/`));
  assert.deepEqual(show(wrong), []);
});

it("the daemon never loads isolated-vm (plugin-platform §1.2)", () => {
  const wrong = HOST.flatMap(importsOf).filter(({ specifier }) => specifier === "isolated-vm");
  assert.deepEqual(show(wrong), []);
});
