import { join } from "node:path";
import type { Browser } from "playwright-core";
import { startNode, temporaryFolder, type LiveNode } from "../../support/live-node.ts";
import { setUp } from "./api.ts";
import { openBrowser } from "./browser.ts";
import type { Opened } from "./closing.ts";
import { Visitor, type VisitorOptions } from "./visitor.ts";

/** What most walks begin with. */
export interface Scene {
  node: LiveNode;
  dataDir: string;
  browser: Browser;
  /** Value of the owner's cookie. */
  session: string;
}

/**
 * A node that is set up, as "Küche", and a browser beside it.
 * @param o.passphrase  founds a community whose root key it opens
 * @param o.args        more words for `hearthnet up`
 */
export async function openScene(opened: Opened, o: { passphrase?: string; args?: string[] } = {}): Promise<Scene> {
  const dataDir = join(temporaryFolder(opened), "data");
  const node = await startNode(opened, { dataDir, ...(o.args === undefined ? {} : { args: o.args }) });
  const community =
    o.passphrase === undefined
      ? ({ kind: "later" } as const)
      : ({ kind: "create", name: "Mühlenstraße", root_passphrase: o.passphrase } as const);
  const session = await setUp(node, { name: "Küche", community });
  return { node, dataDir, session, browser: await openBrowser(opened) };
}

/** Its owner, signed in; by default in English, on a wide bright screen. */
export function arriveAt(
  opened: Opened,
  { browser, node, session }: Scene,
  o: Pick<VisitorOptions, "name"> & Partial<VisitorOptions>,
): Promise<Visitor> {
  return Visitor.arrive(opened, { browser, admin: node.ready.admin, session, language: "en", theme: "light", width: 1280, ...o });
}

/** The browser's own complaints about a node that does not answer. */
export const SILENCE: readonly RegExp[] = [
  /ERR_CONNECTION_REFUSED/,
  /ERR_CONNECTION_RESET/,
  /ERR_EMPTY_RESPONSE/,
  /WebSocket connection/,
  /fetching the script/,
];

/** Until the settings form says that what was typed holds. */
export async function settingsHold(me: Visitor): Promise<void> {
  await me.page
    .getByText(me.say("config.applied"))
    .or(me.page.getByText(me.say("config.restart")))
    .first()
    .waitFor();
}
