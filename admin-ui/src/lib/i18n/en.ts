import { bundle } from "./en.bundle.ts";
import { errors } from "./en.errors.ts";
import { files } from "./en.files.ts";
import { findings } from "./en.findings.ts";
import { frame } from "./en.frame.ts";
import { node } from "./en.node.ts";
import { panels } from "./en.panels.ts";
import { people } from "./en.people.ts";
import { permissions } from "./en.permissions.ts";
import { plugins } from "./en.plugins.ts";
import { rights } from "./en.rights.ts";
import { states } from "./en.states.ts";
import { tokens } from "./en.tokens.ts";
import { trace } from "./en.trace.ts";
import { tryIt } from "./en.try.ts";
import { versions } from "./en.versions.ts";

/** The source of keys. Values are texts, or functions with named, typed values. */
export const en = {
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
};

export type Messages = typeof en;
