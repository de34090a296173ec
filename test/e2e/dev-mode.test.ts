import assert from "node:assert/strict";
import { after, it } from "node:test";
import { startNode } from "../support/live-node.ts";
import { setUp } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { Visitor } from "./support/visitor.ts";

const opened = new Opened();
after(() => opened.close());

for (const language of ["en", "de"] as const)
  it(`every page says that the node takes plugins which nobody has signed (§9 dev, ${language})`, async () => {
    const node = await startNode(opened, { args: language === "en" ? ["--dev"] : ["--dev", "--name", "Werkbank"] });
    const session = await setUp(node, { name: "Küche", community: { kind: "later" } });
    const screen = { browser: await openBrowser(opened), admin: node.ready.admin, theme: "light", width: 390, session } as const;
    const owner = await Visitor.arrive(opened, { ...screen, name: `dev-mode-${language}`, language });
    for (const path of ["/", "/plugins"]) {
      await owner.visit(path);
      await owner.page.getByText(owner.say("app.devMode")).waitFor();
    }
    assert.match(owner.say("app.devMode"), language === "de" ? /Entwicklermodus/ : /Developer mode/);
    await owner.look("banner");
  });
