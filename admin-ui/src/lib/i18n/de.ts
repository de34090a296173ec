import { bundle } from "./de.bundle.ts";
import { errors } from "./de.errors.ts";
import { files } from "./de.files.ts";
import { findings } from "./de.findings.ts";
import { frame } from "./de.frame.ts";
import { node } from "./de.node.ts";
import { panels } from "./de.panels.ts";
import { people } from "./de.people.ts";
import { permissions } from "./de.permissions.ts";
import { plugins } from "./de.plugins.ts";
import { rights } from "./de.rights.ts";
import { states } from "./de.states.ts";
import { tokens } from "./de.tokens.ts";
import { trace } from "./de.trace.ts";
import { tryIt } from "./de.try.ts";
import { versions } from "./de.versions.ts";
import type { Messages } from "./en.ts";

export const de = {
  bundle,
  errors,
  files,
  findings,
  permissions,
  states,
  ...frame,
  ...node,
  ...panels,
  ...people,
  ...plugins,
  rights,
  tokens,
  trace,
  ...tryIt,
  ...versions,
} satisfies Messages;
