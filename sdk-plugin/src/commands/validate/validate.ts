import { bundle } from "../bundle.ts";
import type { Command } from "../command.ts";
import { refusedAssets } from "../asset-code.ts";
import { findAssets } from "../assets.ts";
import { openProject } from "../project.ts";
import { error, type Finding } from "./finding.ts";
import { checkNetwork } from "./network.ts";
import { checkBundles, checkLicences, checkSchemas, checkSizes } from "./package.ts";
import { checkPanels } from "./panels.ts";
import { checkRights } from "./rights.ts";
import { checkTexts } from "./texts.ts";
import { checkTypes } from "./types.ts";

/** @source plugin-platform §9 `validate` */
export const validateCommand: Command = {
  name: ["validate"],
  args: "[DIR]",
  summary:
    "check manifest, schemas, texts, assets, sizes, licences, types, and that the code uses the rights it asks for and no others",
  example: "hearthnet plugin validate",
  run: async (invocation) => {
    const project = openProject(invocation);
    const { manifest, dir } = project;
    const assets = findAssets(project);
    const bundles = await bundle(project);
    const findings: Finding[] = [
      ...checkSchemas(project),
      ...checkTexts(project),
      ...(await checkRights(manifest, { dir, sources: bundles.sources })),
      ...(await checkTypes(project)),
      ...checkPanels(project),
      ...checkNetwork(manifest),
      ...checkBundles(project, bundles),
      ...checkSizes(project),
      ...checkLicences(project, bundles),
      ...refusedAssets(manifest, assets).map(({ where, refusal }) => error(where, refusal.message)),
    ];
    const errors = findings.filter(({ level }) => level === "error");
    invocation.print(
      { ok: errors.length === 0, id: manifest.id, version: manifest.version, findings },
      findings.length === 0
        ? `${manifest.id} ${manifest.version}: nothing to mend.`
        : findings.map(({ level, where, message }) => `${level.padEnd(7)}  ${where}  ${message}`).join("\n"),
    );
    return errors.length === 0 ? 0 : 1;
  },
};
