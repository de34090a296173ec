import type { ApiRoute } from "../context.ts";
import { accessRoutes } from "./access.ts";
import { bundleRoutes } from "./bundles.ts";
import { callRoutes } from "./calls.ts";
import { catalogRoutes } from "./catalog.ts";
import { communityLogRoutes } from "./community-log.ts";
import { devRoutes } from "./dev.ts";
import { fileRoutes } from "./files.ts";
import { ledgerRoutes } from "./ledger.ts";
import { dhtRoutes } from "./dht.ts";
import { meterRoutes } from "./meters.ts";
import { nodeRoutes } from "./node.ts";
import { folderRoutes } from "./folders.ts";
import { overrideRoutes } from "./overrides.ts";
import { panelRoutes } from "./panels.ts";
import { peopleRoutes } from "./people.ts";
import { pluginRoutes } from "./plugins.ts";
import { rightsRoutes } from "./rights.ts";
import { setupRoutes } from "./setup.ts";
import { tokenRoutes } from "./tokens.ts";
import { tryRoutes } from "./try.ts";
import { versionRoutes } from "./versions.ts";

/** Every address of the operator's API, the same at both doors. @source admin-ui §3 */
export const ROUTES: readonly ApiRoute[] = [
  ...setupRoutes,
  ...accessRoutes,
  ...nodeRoutes,
  ...callRoutes,
  ...ledgerRoutes,
  ...meterRoutes,
  ...pluginRoutes,
  ...versionRoutes,
  ...panelRoutes,
  ...folderRoutes,
  ...overrideRoutes,
  ...rightsRoutes,
  ...catalogRoutes,
  ...bundleRoutes,
  ...devRoutes,
  ...tryRoutes,
  ...peopleRoutes,
  ...communityLogRoutes,
  ...tokenRoutes,
  ...dhtRoutes,
  ...fileRoutes,
];
