/** The file store's own page: a passphrase for private files, in the frame that it really has. @source 30 §7, admin-ui §17 */
import { after, before, describe, it } from "node:test";
import { Opened } from "./support/closing.ts";
import { accessibleInside, inside } from "./support/panels.ts";
import { arriveAt, openScene, type Scene } from "./support/scene.ts";
import type { Visitor } from "./support/visitor.ts";

const ID = "hearthnet/files";
const PATH = `/plugins/${ID}/panel/store`;
const SECRET = "correct horse";

describe("the file store's own page (30 §7)", () => {
  const opened = new Opened();
  let scene: Scene;
  after(() => opened.close());

  before(async () => {
    scene = await openScene(opened);
    await scene.node.ask(["plugin", "install", ID, "--grant", "all", "--confirm", ID]);
  });

  const says = (me: Visitor, text: string): Promise<void> => inside(me).getByText(text, { exact: true }).waitFor();

  it("sets a passphrase, is locked after the next start, and opens with it alone", async () => {
    const me = await arriveAt(opened, scene, { name: "store-en" });
    await me.visit(PATH);
    await says(me, "Private files open with this node alone.");
    await accessibleInside(me);
    await inside(me).getByLabel("New passphrase").fill(SECRET);
    await inside(me).getByRole("button", { name: "Change passphrase" }).click();
    await says(me, "The passphrase was changed.");
    await me.look("set");
    me.assertClean();
    await scene.node.ask(["plugin", "restart", ID]);

    const owner = await arriveAt(opened, scene, { name: "store-de", language: "de", theme: "dark", width: 320 });
    await owner.visit(PATH);
    await says(owner, "Private Dateien sind verschlossen.");
    await accessibleInside(owner);
    await owner.look("locked");
    const field = inside(owner).getByLabel("Passphrase", { exact: true });
    await field.fill("wrong horse");
    await field.press("Enter");
    await says(owner, "Das ist nicht die richtige Passphrase.");
    await field.fill(SECRET);
    await inside(owner).getByRole("button", { name: "Private Dateien öffnen" }).click();
    await says(owner, "Private Dateien sind offen.");
    owner.assertClean();
  });
});
