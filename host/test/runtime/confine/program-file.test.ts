/** From a stored file to one that may run, and what must not come between. @source plugin-platform §4.4 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { HnError } from "../../../src/foundation/index.ts";
import { ProgramFile, type ProgramOrder } from "../../../src/runtime/confine/index.ts";
import { elf } from "../fixtures/elf.ts";
import { temporaryFolder } from "../fixtures/world.ts";

const PROGRAM = elf("linux-x64", 3_000_000);

function orderIn(t: TestContext, bytes: Uint8Array = PROGRAM): ProgramOrder {
  const folder = temporaryFolder();
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "own"));
  const source = join(folder, "stored");
  writeFileSync(source, bytes, { mode: 0o444 });
  const file = { sha256: createHash("sha256").update(bytes).digest("hex"), sizeBytes: bytes.byteLength };
  return { name: "tools/bin/tool", file, source, target: join(folder, "own", "program"), platform: "linux-x64" };
}

async function refusal(work: () => unknown): Promise<HnError> {
  try {
    await work();
  } catch (error) {
    if (HnError.isHnError(error)) return error;
    throw error;
  }
  return assert.fail("it was taken");
}

describe("a program that came as an asset (§4.4)", () => {
  it("is executable as a copy, byte for byte, and its stored file is not", async (t) => {
    const order = orderIn(t);
    const made = await ProgramFile.make(order);
    assert.equal(made.place(), order.target);
    assert.deepEqual(readFileSync(order.target), Buffer.from(PROGRAM));
    assert.deepEqual(
      [order.target, order.source].map((path) => lstatSync(path).mode & 0o777),
      [0o555, 0o444],
    );
    assert.equal(made.place(), order.target, "as often as it is wanted");
  });

  it("does not become one when it is not the named file, and nothing stays", async (t) => {
    const flipped = Uint8Array.from(PROGRAM);
    flipped[2_000_000] = 1;
    const spoilt: [what: string, spoil: (order: ProgramOrder) => void, reason: string][] = [
      ["one byte is another", ({ source }) => replace(source, flipped), "program_changed"],
      ["it is longer", ({ source }) => replace(source, Buffer.concat([PROGRAM, Buffer.from("x")])), "program_changed"],
      ["it is shorter", ({ source }) => replace(source, PROGRAM.subarray(0, 100)), "program_changed"],
      ["it is gone", ({ source }) => rmSync(source), "program_absent"],
      ["it is a folder", ({ source }) => (rmSync(source), mkdirSync(source)), "program_changed"],
      [
        "a link to the very same bytes is in its place",
        ({ source }) => (renameSync(source, `${source}-moved`), symlinkSync(`${source}-moved`, source)),
        "program_changed",
      ],
    ];
    for (const [what, spoil, reason] of spoilt) {
      const order = orderIn(t);
      spoil(order);
      assert.equal((await refusal(() => ProgramFile.make(order))).reason, reason, what);
      assert.deepEqual(readdirSync(join(order.target, "..")), [], what);
    }
  });

  it("does not become one for another kind of machine, or when it is no program", async (t) => {
    for (const [bytes, words] of [
      [elf("linux-arm64"), /built for linux-arm64; this is linux-x64/],
      [elf(243), /another machine \(ELF 243\)/],
      [Buffer.from("#!/node\nprocess.exit(0)\n"), /no ELF file/],
      [PROGRAM.subarray(0, 10), /no ELF file/],
      [Buffer.alloc(0), /no ELF file/],
    ] as const) {
      const order = orderIn(t, bytes);
      const { reason, message } = await refusal(() => ProgramFile.make(order));
      assert.equal(reason, "program_platform");
      assert.match(message, words);
      assert.deepEqual(readdirSync(join(order.target, "..")), []);
    }
  });

  it("is written to a new file alone: what lies or leads there already is not touched", async (t) => {
    const order = orderIn(t);
    const victim = join(order.target, "..", "..", "victim");
    writeFileSync(victim, "mine");
    symlinkSync(victim, order.target);
    await assert.rejects(ProgramFile.make(order), { code: "EEXIST" });
    assert.equal(readFileSync(victim, "utf8"), "mine");
  });

  it("is not run when anything has happened to the copy since", async (t) => {
    const deeds: [what: string, deed: (path: string) => void][] = [
      ["written to", (path) => (chmodSync(path, 0o755), appendFileSync(path, "x"), chmodSync(path, 0o555))],
      ["written to within its size, and its times set back", (path) => rewrite(path)],
      ["exchanged for an equal file", (path) => (copyFileSync(path, `${path}-2`), renameSync(`${path}-2`, path))],
      ["exchanged for a link to itself", (path) => (renameSync(path, `${path}-2`), symlinkSync(`${path}-2`, path))],
      ["given a second name", (path) => linkSync(path, `${path}-2`)],
      ["made writable", (path) => chmodSync(path, 0o755)],
      ["deleted", (path) => rmSync(path)],
    ];
    for (const [what, deed] of deeds) {
      const order = orderIn(t);
      const made = await ProgramFile.make(order);
      deed(order.target);
      assert.equal((await refusal(() => made.place())).reason, "program_changed", what);
      assert.equal(made.changed, true, what);
    }
  });
});

function replace(path: string, bytes: Uint8Array): void {
  rmSync(path);
  writeFileSync(path, bytes);
}

/** With the times of the file set back to the nanosecond. */
function rewrite(path: string): void {
  const { mode } = lstatSync(path);
  const times = `${path}-times`;
  execFileSync("touch", ["-r", path, times]);
  chmodSync(path, 0o755);
  const bytes = readFileSync(path);
  bytes[100] = 1;
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  execFileSync("touch", ["-r", times, path]);
}
