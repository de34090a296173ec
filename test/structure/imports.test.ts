import { build } from "esbuild";
import assert from "node:assert/strict";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { it } from "node:test";
import { mayImport, ROOMS, TOP } from "./floors.ts";
import { importsOf, read, ROOT, sourceFiles, type Import } from "./sources.ts";

const HOST = sourceFiles(["host/src/**/*.ts"]);

function roomOf(path: string): string {
  return /^host\/src\/([a-z-]+)\//.exec(path)?.[1] ?? "";
}

/** `@scope/name` or `name`, of any path below a package. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function show(list: Import[]): string[] {
  return list.map(({ from, specifier }) => `${from} imports ${specifier}`);
}

function between(from: string, target: string | null): target is string {
  return target?.startsWith("host/src/") === true && roomOf(from) !== "" && roomOf(from) !== roomOf(target);
}

it("knows every room of the host", () => {
  const rooms = new Set(HOST.map(roomOf).filter((room) => room !== ""));
  assert.deepEqual(
    [...rooms].filter((room) => ROOMS[room] === undefined),
    [],
  );
});

it("says of each room the floor that ARCHITECTURE.md shows", () => {
  const shown = new Map<string, number>();
  for (const [, floor = "", rooms = ""] of read("ARCHITECTURE.md").matchAll(/^\| (\d) \| ([^|]+) \|/gm))
    for (const [, room = ""] of rooms.matchAll(/`([a-z-]+)`/g)) shown.set(room, Number(floor));
  assert.deepEqual(
    Object.fromEntries(shown),
    Object.fromEntries(Object.entries(ROOMS).map(([name, { floor }]) => [name, floor])),
  );
  assert.match(read("ARCHITECTURE.md"), new RegExp(`^\\| ${TOP} \\| \`main\\.ts\` \`node\\.ts\``, "m"));
});

it("reads imports at all: those of the composition root are found", () => {
  const found = importsOf("host/src/node.ts").map(({ specifier }) => specifier);
  assert.ok(found.includes("./bus/index.ts") && found.includes("node:crypto"));
});

it("a room imports only rooms on floors below it", () => {
  const wrong = HOST.flatMap(importsOf).filter(
    ({ from, target }) => between(from, target) && !mayImport(roomOf(from), roomOf(target)),
  );
  assert.deepEqual(show(wrong), []);
});

it("a room is entered only through its index.ts", () => {
  const wrong = HOST.flatMap(importsOf).filter(
    ({ from, target }) =>
      target?.startsWith("host/src/") === true &&
      roomOf(target) !== "" &&
      roomOf(from) !== roomOf(target) &&
      target !== `host/src/${roomOf(target)}/index.ts`,
  );
  assert.deepEqual(show(wrong), []);
});

it("a room uses the packages that are named for it, and each of them", () => {
  const wrong: string[] = [];
  for (const [room, { packages }] of Object.entries(ROOMS)) {
    const used = new Set(
      HOST.filter((path) => roomOf(path) === room)
        .flatMap(importsOf)
        .filter(({ specifier, target }) => target === null && !isBuiltin(specifier))
        .map(({ specifier }) => packageOf(specifier)),
    );
    for (const name of used) if (!packages.includes(name)) wrong.push(`${room} uses ${name}`);
    for (const name of packages) if (!used.has(name)) wrong.push(`${room} does not use ${name}`);
  }
  assert.deepEqual(wrong, []);
});

/** The side of the SDK that runs in a browser is for panels alone. */
const isPanelSdk = (from: string, specifier: string): boolean =>
  specifier === "@hearthnet/sdk-plugin/panel" && /^plugins\/[^/]+\/src\/panel\//.test(from);

it("plugins know nothing but the SDK and what npm gives them", () => {
  const wrong = sourceFiles(["plugins/*/src/**/*.ts"])
    .flatMap(importsOf)
    .filter(({ from, specifier, target }) => {
      const house = /^plugins\/[^/]+\//.exec(from)?.[0] ?? "";
      return (
        (target !== null && !target.startsWith(house)) ||
        (specifier.startsWith("@hearthnet/") && specifier !== "@hearthnet/sdk-plugin" && !isPanelSdk(from, specifier))
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

it("SDK and registry meet the host through its public doors, and nobody else", () => {
  const doors = (from: string): string[] => [
    "@hearthnet/host/command-line",
    "@hearthnet/host/contract",
    "@hearthnet/host/format",
    // A plugin's tests run on the real bus and runtime.
    ...(from.startsWith("sdk-plugin/src/testing/") ? ["@hearthnet/host/plugin-host"] : []),
  ];
  const wrong = sourceFiles(["sdk-plugin/src/**/*.ts", "registry/src/**/*.ts"])
    .flatMap(importsOf)
    .filter(
      ({ from, specifier, target }) =>
        (target !== null && !target.startsWith(`${from.split("/")[0] ?? ""}/`)) ||
        (specifier.startsWith("@hearthnet/") && !doors(from).includes(specifier)),
    );
  assert.deepEqual(show(wrong), []);
});

it("nothing but the test host's door makes the runtime start a plugin unconfined or look at its link", () => {
  const naming = HOST.filter((path) => /\b(inProcess|onLaunch)\b/.test(read(path)));
  assert.ok(naming.includes("host/src/plugin-host.ts"));
  assert.deepEqual(
    naming.filter((path) => roomOf(path) !== "runtime" && path !== "host/src/plugin-host.ts"),
    [],
  );
});

it("the daemon's bundle holds no foreign house and loads only packages that the host declares, never isolated-vm (plugin-platform §1.2)", async () => {
  const { metafile } = await build({
    entryPoints: [join(ROOT, "host", "src", "main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["hearthnet-source"],
    packages: "external",
    absWorkingDir: ROOT,
    write: false,
    metafile: true,
    splitting: false,
    outdir: "out",
    logLevel: "error",
  });
  const foreign = Object.keys(metafile.inputs).filter((path) => !path.startsWith("host/src/"));
  // Its own version stands there.
  assert.deepEqual(foreign, ["host/package.json"]);
  const host = JSON.parse(read("host/package.json")) as Record<"dependencies" | "optionalDependencies", Record<string, string>>;
  const dependencies = { ...host.dependencies, ...host.optionalDependencies };
  const loaded = Object.values(metafile.outputs)
    .flatMap((output) => output.imports)
    .filter(({ external, path }) => external === true && !isBuiltin(path))
    .map(({ path }) => packageOf(path));
  assert.deepEqual(
    [...new Set(loaded)].filter((name) => dependencies[name] === undefined || name === "isolated-vm"),
    [],
  );
});
