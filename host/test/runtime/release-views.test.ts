/** Each release that runs sees its own assets, and its programs become executable when they are wanted. @source plugin-platform §2.4, §4.4 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { PluginManifest, StoredRelease } from "../../src/contract/index.ts";
import { HnError } from "../../src/foundation/index.ts";
import { ReleaseViews } from "../../src/runtime/release-views.ts";
import { elf } from "./fixtures/elf.ts";
import { temporaryFolder } from "./fixtures/world.ts";

const HERE = `${process.platform}-${process.arch}`;
const EXEC = { asset: "tools", path: "bin/tool" };
const skip = HERE !== "linux-x64" && HERE !== "linux-arm64" ? "the fixture is a program of these two" : false;

interface Bench {
  views: ReleaseViews;
  runDir: string;
  /** Path in the store. */
  stored(bytes: Uint8Array): string;
  release(version: string, bytes?: Uint8Array): StoredRelease;
}

function bench(t: TestContext): Bench {
  const folder = temporaryFolder();
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [runDir, store] = [join(folder, "run"), join(folder, "store")];
  for (const path of [runDir, store]) mkdirSync(path);
  const stored = (bytes: Uint8Array): string => {
    const path = join(store, createHash("sha256").update(bytes).digest("hex"));
    if (!existsSync(path)) writeFileSync(path, bytes, { mode: 0o444 });
    return path;
  };
  return {
    views: new ReleaseViews(runDir),
    runDir,
    stored,
    release(version, bytes = Buffer.concat([elf(HERE as "linux-x64"), Buffer.from(version)])) {
      const path = stored(bytes);
      const file = { path: "bin/tool", sha256: path.slice(-64), cid: "", sizeBytes: bytes.byteLength, sources: [] };
      return {
        id: "acme/tools",
        version,
        sha256: createHash("sha256").update(version).digest("hex"),
        manifest: { assets: [{ name: "tools", license: "MIT", files: [file] }] } as unknown as PluginManifest,
        dir: "",
        publisherKeyId: "",
        embeddedRoot: false,
        assets: { tools: { "bin/tool": path } },
      };
    },
  };
}

async function reasonOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
  } catch (error) {
    return HnError.isHnError(error) ? error.reason : String(error);
  }
  return "taken";
}
const toolIn = (folder: string | null): string => readFileSync(join(folder ?? "", "tools", "bin", "tool"), "latin1").slice(64);

describe("assets of releases that run (§2.4)", () => {
  it("stay where they are while another version starts and ends", (t) => {
    const { views, release, runDir } = bench(t);
    const first = views.open(release("1.0.0"));
    const second = views.open(release("2.0.0"));
    assert.deepEqual([toolIn(first.assetsDir), toolIn(second.assetsDir)], ["1.0.0", "2.0.0"]);
    const again = views.open(release("1.0.0"));
    again.close();
    again.close();
    second.close();
    assert.equal(toolIn(first.assetsDir), "1.0.0", "as long as one life of it lasts");
    first.close();
    assert.deepEqual(readdirSync(join(runDir, "releases")), []);
  });

  it("are never shown through a link: what it leads to keeps its mode", (t) => {
    const { views, release, stored, runDir } = bench(t);
    const secret = join(runDir, "secret");
    writeFileSync(secret, "mine", { mode: 0o600 });
    const spoilt = release("1.0.0");
    const path = stored(Buffer.concat([elf(HERE as "linux-x64"), Buffer.from("1.0.0")]));
    rmSync(path);
    symlinkSync(secret, path);
    assert.throws(() => views.open(spoilt), /is no file/);
    assert.equal(lstatSync(secret).mode & 0o777, 0o600);
  });
});

describe("programs of releases that run (§4.4)", { skip }, () => {
  it("become executable when they are wanted, once for all who want them, in a folder of the daemon's own", async (t) => {
    const { views, release, runDir } = bench(t);
    const view = views.open(release("1.0.0"));
    assert.deepEqual(executables(runDir), []);
    const both = await Promise.all([view.program(EXEC), view.program(EXEC)]);
    assert.equal(both[0]?.path, "tools/bin/tool");
    assert.equal(both[0]?.file, both[1]?.file);
    const [copy, ...more] = executables(runDir);
    assert.deepEqual([copy, more], [both[0]?.file.place(), []]);
    assert.equal(lstatSync(join(copy ?? "", "..")).mode & 0o777, 0o700);
    assert.equal(await view.program({ path: "bin/tool" }), undefined, "one of the package is none of an asset");
    view.close();
    assert.deepEqual(executables(runDir), []);
  });

  it("are made anew after somebody has changed the copy, and not at all when it is the store that was changed", async (t) => {
    const { views, release, stored } = bench(t);
    const view = views.open(release("1.0.0"));
    const before = await view.program(EXEC);
    chmodSync(before?.file.place() ?? "", 0o777);
    assert.equal(await reasonOf(() => before?.file.place()), "program_changed");
    const after = await view.program(EXEC);
    assert.notEqual(after?.file, before?.file);
    assert.equal(lstatSync(after?.file.place() ?? "").mode & 0o777, 0o555);

    chmodSync(after?.file.place() ?? "", 0o777);
    await reasonOf(() => after?.file.place());
    const path = stored(Buffer.concat([elf(HERE as "linux-x64"), Buffer.from("1.0.0")]));
    rmSync(path);
    writeFileSync(path, Buffer.concat([elf(HERE as "linux-x64"), Buffer.from("2.0.0")]));
    assert.equal(await reasonOf(() => view.program(EXEC)), "program_changed");
    rmSync(path);
    assert.equal(await reasonOf(() => view.program(EXEC)), "program_absent");
    stored(Buffer.concat([elf(HERE as "linux-x64"), Buffer.from("1.0.0")]));
    assert.equal((await view.program(EXEC))?.path, "tools/bin/tool", "when it is back");
  });

  it("are refused when no asset with one lies here", async (t) => {
    const { views, release } = bench(t);
    const view = views.open({ ...release("1.0.0"), assets: {} });
    assert.equal(view.assetsDir, null);
    assert.equal(await reasonOf(() => view.program(EXEC)), "program_absent");
    assert.equal(await reasonOf(() => view.program({ asset: ["none"], path: "bin/tool" })), "program_absent");
  });
});

function executables(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => lstatSync(path).isFile() && (lstatSync(path).mode & 0o111) !== 0);
}
