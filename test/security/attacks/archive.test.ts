/** Packages that were changed on their way. The control unpacks them with plain `tar`. @source plugin-platform §10 A23, marketplace §11 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { HnError } from "../../../host/src/foundation/index.ts";
import { CHANGES, type Change } from "../../marketplace/package-changes.ts";
import { makePackage, openNode, openShop } from "../../marketplace/shop.ts";
import { addFile } from "../../marketplace/tampering.ts";
import { reportAttack } from "./report.ts";

/** The same attack where the machine's own folders are out of its reach. */
const HARMLESS: Record<string, (outside: string) => Change> = {
  "a path from the root": (outside) => (bytes) => addFile(bytes, `${outside}/planted.mjs`),
};

/** What a program that only unpacks makes of it. */
function unpackedPlainly(name: string, change: Change, bytes: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "hn-a23-"));
  try {
    const inside = join(folder, "inside");
    mkdirSync(inside);
    const archive = join(folder, "package.tar.gz");
    writeFileSync(archive, (HARMLESS[name]?.(folder) ?? change)(bytes));
    spawnSync("tar", ["-xzPf", archive, "-C", inside], { stdio: "ignore" });
    const outside = readdirSync(folder).filter((entry) => entry !== "inside" && entry !== "package.tar.gz");
    if (outside.length > 0) return `tar wrote ${outside.join()} outside`;
    const links = readdirSync(inside).filter((entry) => lstatSync(join(inside, entry)).isSymbolicLink());
    if (links.length > 0) return `tar made the link ${links.join()}`;
    assert.ok(existsSync(join(inside, "dist", "main.mjs")), "the control must unpack what would run");
    return "tar unpacked what would run";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const [name, change, reason] of CHANGES)
  test(`A23: a package with ${name} is refused as ${reason} and leaves nothing; plain tar takes it`, async (t) => {
    const shop = openShop(t);
    const made = makePackage({ key: shop.key });
    shop.list(made);
    shop.commit();
    const node = await openNode(t, shop);
    const control = unpackedPlainly(name, change, made.bytes);
    if (reason === "archive_path") assert.match(control, /outside|link/, "the control must leave its folder");
    const refusal: unknown = await node.marketplace.importPackage(change(made.bytes)).then(
      () => assert.fail("it was taken"),
      (error: unknown) => error,
    );
    assert.ok(HnError.isHnError(refusal));
    assert.equal(refusal.reason, reason);
    assert.deepEqual(node.leftovers(), []);
    assert.deepEqual(node.staged, []);
    reportAttack({ row: "A23", title: name, confined: `refused: ${reason}`, control, record: `refusal: ${refusal.message}` });
  });
