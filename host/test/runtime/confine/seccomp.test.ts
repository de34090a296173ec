import assert from "node:assert/strict";
import { test } from "node:test";
import { DENIED_CALLS, seccompProgram, type Architecture } from "../../../src/runtime/confine/index.ts";

const AUDIT: Record<Architecture, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;

/** The kernel's classic BPF machine, as far as the filter uses it. */
function run(program: Uint8Array, call: { arch: number; nr: number; arg0?: number }): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.nr, true);
  data.setUint32(4, call.arch, true);
  data.setUint32(16, call.arg0 ?? 0, true);
  let a = 0;
  for (let pc = 0; pc < program.byteLength / 8; pc += 1) {
    const [code, jt, jf, k] = [
      view.getUint16(pc * 8, true),
      view.getUint8(pc * 8 + 2),
      view.getUint8(pc * 8 + 3),
      view.getUint32(pc * 8 + 4, true),
    ];
    if (code === 0x20) a = data.getUint32(k, true);
    else if (code === 0x06) return k;
    else if (code === 0x15) pc += a === k ? jt : jf;
    else if (code === 0x35) pc += a >= k ? jt : jf;
    else if (code === 0x45) pc += (a & k) !== 0 ? jt : jf;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error("ran off the end");
}

for (const arch of ["x64", "arm64"] as const) {
  const program = seccompProgram(arch);
  const clone = arch === "x64" ? 56 : 220;
  const at = (nr: number, arg0 = 0): number => run(program, { arch: AUDIT[arch], nr, arg0 });

  test(`${arch}: the program has whole instructions and fits the kernel's limit`, () => {
    assert.equal(program.byteLength % 8, 0);
    assert.ok(program.byteLength > 0 && program.byteLength / 8 < 4096);
  });
  test(`${arch}: every listed call gets EPERM, everything else passes (§1.3.4)`, () => {
    const denied = new Set(DENIED_CALLS.map((row) => row[arch === "x64" ? 1 : 2]));
    for (let nr = 0; nr < 512; nr += 1) {
      const expected = nr === 435 ? ENOSYS : denied.has(nr) ? EPERM : ALLOW;
      assert.equal(at(nr), expected, `call ${nr}`);
    }
  });
  test(`${arch}: clone into any new namespace gets EPERM, a plain thread or fork passes`, () => {
    for (const flag of [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
      assert.equal(at(clone, flag), EPERM);
    assert.equal(at(clone, 0x3d0f00), ALLOW);
    assert.equal(at(clone, 0x1200011), ALLOW);
  });
  test(`${arch}: a call under another architecture ends the process`, () => {
    assert.equal(run(program, { arch: 0x40000003, nr: 1 }), KILL);
    assert.equal(run(program, { arch: AUDIT[arch === "x64" ? "arm64" : "x64"], nr: 1 }), KILL);
  });
}

test("x64: the x32 second ABI ends the process", () => {
  assert.equal(run(seccompProgram("x64"), { arch: AUDIT.x64, nr: 0x40000000 + 41 }), KILL);
});
