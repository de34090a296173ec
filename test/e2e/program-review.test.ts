import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { elf } from "../../host/test/runtime/fixtures/elf.ts";
import { writeSigned } from "../fixtures/signed-plugin.ts";
import { startNode, temporaryFolder } from "../support/live-node.ts";
import { setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

const HERE = `${process.platform}-${process.arch}`;
const PROGRAM = elf("linux-x64");
const SHA256 = createHash("sha256").update(PROGRAM).digest("hex");

/** @returns path of a package whose program is no file of it */
function packageWithProgram(folder: string): string {
  const reason = { en: "Encodes apart.", de: "Kodiert getrennt." };
  const file = {
    path: "bin/encode",
    sha256: SHA256,
    cid: `blake3:${"0".repeat(64)}`,
    sizeBytes: PROGRAM.byteLength,
    sources: [],
  };
  return writeSigned(folder, {
    file: "encode.hnp",
    id: "hearthnet/encode",
    code: "{ setup: async () => {}, capabilities: {} }",
    manifest: {
      tier: { min: "process", native: true },
      platforms: [HERE],
      contributes: {
        workers: [{ name: "encode", exec: { asset: "encoder", path: "bin/encode" }, limits: { memoryMb: 64, wallMs: 1000 } }],
      },
      permissions: [
        { name: "proc.worker", scope: { workers: ["encode"] }, reason },
        { name: "native", scope: { mode: ["exec"] }, reason },
      ],
      optionalPermissions: [],
      assets: [{ name: "encoder", license: "MIT", files: [file] }],
    },
  });
}

describe("the review of a plugin whose program is an asset (plugin-platform §3.4.4)", () => {
  const opened = new Opened();
  after(() => opened.close());

  for (const language of ["en", "de"] as const)
    it(`shows the program's hash before it is fetched, and where it comes from (${language})`, async () => {
      const node = await startNode(opened);
      const session = await setUp(node, { name: "Küche", community: { kind: "later" } });
      const me = await Visitor.arrive(opened, {
        browser: await openBrowser(opened),
        admin: node.ready.admin,
        name: `program-review-${language}`,
        language,
        theme: "light",
        width: 1280,
        session,
      });
      await me.visit("/browse");
      await me.choose("browse.chooseFile", packageWithProgram(temporaryFolder(opened)));
      const sheet = me.page.getByRole("dialog");
      await sheet.getByText(me.say("rights.native.title"), { exact: true }).waitFor();
      const card = sheet.getByRole("listitem").filter({ has: me.page.getByText(SHA256, { exact: true }) });
      await card.getByText("bin/encode", { exact: true }).waitFor();
      await card.getByText(me.say("rights.native.asset", { name: "encoder" }), { exact: true }).waitFor();
      await me.look("program", { whole: false });
      me.assertClean();
    });
});
