import assert from "node:assert/strict";
import { it } from "node:test";
import { ROOMS } from "./floors.ts";
import { read, sourceFiles } from "./sources.ts";

/** Rooms that a simulated node is built of; those above start processes, which live in this machine's time. */
const SIMULATED_FLOORS = 4;
const ASKED =
  /\bDate\.now\b|\bperformance\.now\b|(?<![.\w])(?:setTimeout|setInterval|setImmediate)\(|\bMath\.random\b|\brandom(?:Bytes|UUID|Int)\(/;

/** Where the machine itself must be asked, or where nothing depends on its answer. */
const EXCEPTIONS: readonly [path: RegExp, why: string][] = [
  [/^host\/src\/foundation\/clock\//, "the port of the machine's own clock"],
  [/^host\/src\/contract\/ports\.ts$/, "the port's signature"],
  [/^host\/src\/foundation\/storage\/files\.ts$/, "a name that no other file has"],
  [/^host\/src\/identity\/(?:keys|tls)\//, "keys and certificates are made from the machine's chance, in its time"],
  [/^host\/src\/identity\/ed25519\/verify\.ts$/, "only how long a verdict is remembered, not what it is"],
];

it("rooms below the runtime take time and chance from what is handed in, so that a thousand nodes fit into one made-up world (network N-7)", () => {
  const rooms = Object.entries(ROOMS).flatMap(([name, { floor }]) => (floor <= SIMULATED_FLOORS ? [name] : []));
  const found = rooms
    .flatMap((room) => sourceFiles([`host/src/${room}/**/*.ts`]))
    .filter((path) => !EXCEPTIONS.some(([exception]) => exception.test(path)))
    .flatMap((path) =>
      read(path)
        .split("\n")
        // A default for whoever hands nothing in.
        .flatMap((line, index) =>
          ASKED.test(line) && !line.includes("o.random ??") ? [`${path}:${index + 1} ${line.trim()}`] : [],
        ),
    );
  assert.deepEqual(found, []);
});

it("each exception is still one", () => {
  const paths = sourceFiles(["host/src/**/*.ts"]);
  for (const [exception] of EXCEPTIONS)
    assert.ok(
      paths.some((path) => exception.test(path) && ASKED.test(read(path))),
      String(exception),
    );
});
