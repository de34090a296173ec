import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Refusal } from "@hearthnet/host/command-line";
import { bundle } from "../../src/commands/bundle.ts";
import { openProject } from "../../src/commands/project.ts";

const WORD_WATCH = join(import.meta.dirname, "..", "..", "..", "test", "fixtures", "plugins", "word-watch");

/** The example with these lines in front. */
async function pack(t: TestContext, lines: string, tier: "isolate" | "process" = "isolate"): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "hn-isolate-bundle-"));
  t.after(() => rmSync(dir, { recursive: true }));
  cpSync(WORD_WATCH, dir, { recursive: true });
  for (const [file, change] of [
    ["src/index.ts", (text: string) => `${lines}\n${text}`],
    ["hearthnet.plugin.json", (text: string) => text.replace('"min": "isolate"', `"min": "${tier}"`)],
  ] as const)
    writeFileSync(join(dir, file), change(readFileSync(join(dir, file), "utf8")));
  const { files } = await bundle(openProject({ args: [dir], cwd: dir }));
  return Buffer.from(files.get("dist/main.mjs") ?? []).toString();
}

const refusal = async (work: Promise<unknown>): Promise<Refusal> => {
  try {
    await work;
  } catch (error) {
    return error as Refusal;
  }
  assert.fail("it was not refused");
};

test("the bundle of an isolate plugin imports nothing; that of a process plugin may", async (t) => {
  assert.doesNotMatch(await pack(t, ""), /\bimport\b[^(]*from|createRequire/);
  assert.match(await pack(t, "", "process"), /createRequire/);
});

for (const [lines, name, instead] of [
  ["setTimeout(() => {}, 1);", "setTimeout", "schedule"],
  ["setInterval(() => {}, 1);", "setInterval", "schedule"],
  ["globalThis.setImmediate(() => {});", "setImmediate", "promise"],
  ['await fetch("https://example.org");', "fetch", "req\\.call"],
  ["console.log(process.env);", "process", "ctx\\.config"],
  ['Buffer.from("");', "Buffer", "Uint8Array"],
  ["new WebAssembly.Memory({ initial: 1 });", "WebAssembly", "tier process"],
  ["new SharedArrayBuffer(1);", "SharedArrayBuffer", "ArrayBuffer"],
  ["Atomics.load(new Int32Array(1), 0);", "Atomics", "promise"],
] as const)
  test(`pack refuses ${lines} for tier isolate, with the file and what to do instead; for tier process it does not (§4.2)`, async (t) => {
    const { reason, message, action } = await refusal(pack(t, lines));
    assert.equal(reason, "isolate_absent");
    assert.match(message, new RegExp(`src/index\\.ts  ${name}: .*${instead}`));
    assert.match(action, /"min": "process"/);
    await pack(t, lines, "process");
  });

test("a name of one's own is no use of the platform's", async (t) => {
  await pack(
    t,
    "const fetch = (url: string): string => url; const o = { setTimeout: 1, process: fetch('x') }; console.log(o.process);",
  );
});

test("pack refuses modules of Node at the line that imports them", async (t) => {
  for (const module of ["node:fs", "fs", "node:crypto"]) {
    const { reason, message } = await refusal(pack(t, `import * as own from "${module}"; console.log(own);`));
    assert.equal(reason, "bundle_failed");
    assert.match(message, new RegExp(`src/index\\.ts:1  .*${module} does not exist in an isolate`));
  }
  await pack(t, 'import * as own from "node:fs"; console.log(own);', "process");
});

test("pack refuses a bundle above 1 MiB (§1.2)", async (t) => {
  const { reason, message } = await refusal(pack(t, `console.log("${"x".repeat(1_048_576)}");`));
  assert.equal(reason, "isolate_too_large");
  assert.match(message, /1\.0 MiB; one for tier isolate has at most 1 MiB/);
  await pack(t, `console.log("${"x".repeat(1_000_000)}");`);
});
