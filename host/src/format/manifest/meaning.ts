import type { I18nText, PluginManifest } from "../../contract/index.ts";
import { nextCronTime } from "../cron.ts";
import type { ManifestProblem } from "./check.ts";
import { checkAssetPaths } from "./programs.ts";
import { checkSharing } from "./sharing.ts";
import { checkDoors } from "./doors.ts";
import { checkWorker } from "./worker.ts";

/** Control characters and the invisible ones that turn text around: a name must look like what it is. */
const DECEPTIVE = /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/u;
/** Any day would do; a fixed one makes the verdict the same everywhere. */
const CALENDAR_START = Date.UTC(2026, 0, 1);
const RESERVED_NAMESPACES = new Set(["hn", "local", "admin", "system"]);
/** Namespaces that a manifest may offer outside `ext.`: first-party or by explicit grant; here only shape is judged. @source 00 §5.1 */
const NEVER_OFFERED = ["sys.", "community.", "auth."];

/** Rules that a schema cannot say. @source plugin-platform §2.1 */
export function checkMeaning(m: PluginManifest): ManifestProblem[] {
  const out: ManifestProblem[] = [];
  const wrong = (path: string, message: string): void => void out.push({ path, message });
  const namespace = m.id.split("/")[0] ?? "";
  if (RESERVED_NAMESPACES.has(namespace)) wrong("/id", `uses the reserved namespace ${namespace}`);
  checkTexts(m, wrong);
  if (m.kind === "service" && m.entry.main === undefined) wrong("/entry/main", "is missing: a service needs its bundle");
  if (m.kind !== "service" && m.entry.main !== undefined) wrong("/entry/main", `does not belong to the kind ${m.kind}`);
  if (m.kind === "assets" && (m.assets ?? []).length === 0) wrong("/assets", "is empty, but the kind is assets");
  if (m.tier.native === true && m.platforms.includes("any"))
    wrong("/platforms", "must name platforms: native code does not run on any");
  checkIsolate(m, wrong);
  if (m.platforms.includes("any") && m.platforms.length > 1) wrong("/platforms", "says any beside others");
  checkContributions(m, wrong);
  checkDoors(m, wrong);
  checkPermissions(m, wrong);
  checkSharing(m, wrong);
  const assets = (m.assets ?? []).map((a) => a.name);
  if (new Set(assets).size !== assets.length) wrong("/assets", "names one asset twice");
  (m.assets ?? []).forEach(({ files }, i) => checkAssetPaths(files, `/assets/${i}/files`, wrong));
  if (Object.hasOwn(m.dependencies ?? {}, m.id)) wrong("/dependencies", "names the plugin itself");
  return out;
}

/** Rights to what exists for a process alone. @source plugin-platform §1.2 */
const NEEDS_PROCESS = [
  "fs.data",
  "fs.mount",
  "storage.sqlite",
  "native",
  "hw.gpu",
  "hw.audio",
  "hw.serial",
  "hw.usb",
  "hw.bluetooth",
];

function checkIsolate(m: PluginManifest, wrong: Wrong): void {
  if (m.tier.min !== "isolate") return;
  const asked = [...m.permissions, ...(m.optionalPermissions ?? [])].map(({ name }) => name);
  const impossible = asked.filter((name) => NEEDS_PROCESS.includes(name));
  if (impossible.length > 0) wrong("/tier/min", `must be process: an isolate has no ${impossible.join(", ")}`);
  if (m.kind === "service" && (m.assets ?? []).length > 0) wrong("/tier/min", "must be process: an isolate cannot open assets");
}

type Wrong = (path: string, message: string) => void;

function checkTexts(m: PluginManifest, wrong: Wrong): void {
  const texts: [string, I18nText][] = [
    ["/displayName", m.displayName],
    ["/description", m.description],
    ...m.permissions.map((p, i): [string, I18nText] => [`/permissions/${i}/reason`, p.reason]),
    ...(m.optionalPermissions ?? []).map((p, i): [string, I18nText] => [`/optionalPermissions/${i}/reason`, p.reason]),
    ...(m.contributes.panels ?? []).map((p, i): [string, I18nText] => [`/contributes/panels/${i}/title`, p.title]),
  ];
  for (const [path, map] of texts)
    for (const [language, text] of Object.entries(map))
      if (DECEPTIVE.test(text)) wrong(`${path}/${language}`, "holds control or invisible characters");
}

function checkContributions(m: PluginManifest, wrong: Wrong): void {
  const offers = m.contributes.capabilities ?? [];
  const prefixes = (m.permissions.find((p) => p.name === "bus.provide")?.scope?.["prefixes"] ?? []) as string[];
  offers.forEach((offer, i) => {
    const at = `/contributes/capabilities/${i}`;
    if (offer.response === null && offer.stream === null) wrong(at, "neither answers nor streams");
    if (NEVER_OFFERED.some((prefix) => offer.name.startsWith(prefix)) || offer.name.includes(".http."))
      wrong(`${at}/name`, "is reserved for the host");
    if (!prefixes.some((prefix) => offer.name.startsWith(prefix)))
      wrong(`${at}/name`, "is not below a prefix that the permission bus.provide asks for");
    if (offers.findIndex((o) => o.name === offer.name && o.version === offer.version) !== i) wrong(at, "is named twice");
  });
  const workers = (m.contributes.workers ?? []).map((w) => w.name);
  if (new Set(workers).size !== workers.length) wrong("/contributes/workers", "names one worker twice");
  const allowed = (m.permissions.find((p) => p.name === "proc.worker")?.scope?.["workers"] ?? []) as string[];
  (m.contributes.workers ?? []).forEach((worker, i) => checkWorker(m, { worker, at: `/contributes/workers/${i}` }, wrong));
  workers.forEach((name, i) => {
    if (!allowed.includes(name)) wrong(`/contributes/workers/${i}/name`, "is not covered by the permission proc.worker");
  });
  (m.contributes.schedules ?? []).forEach((schedule, i) => {
    if ((schedule.every === undefined) === (schedule.cron === undefined))
      wrong(`/contributes/schedules/${i}`, "needs exactly one of every and cron");
    if (schedule.cron !== undefined && nextCronTime(schedule.cron, CALENDAR_START) === null)
      wrong(
        `/contributes/schedules/${i}/cron`,
        "must be five fields, minute hour day month weekday, that name a day which comes",
      );
    if (/^\ds$/.test(schedule.every ?? "")) wrong(`/contributes/schedules/${i}/every`, "must be 10 s or more");
  });
}

function checkPermissions(m: PluginManifest, wrong: Wrong): void {
  const names = [...m.permissions, ...(m.optionalPermissions ?? [])].map((p) => p.name);
  if (new Set(names).size !== names.length) wrong("/permissions", "asks for one permission twice");
  if ((m.tier.native === true) !== names.includes("native")) wrong("/tier/native", "and the permission native go together");
  if ((m.contributes.schedules ?? []).length > 0 && !names.includes("schedule"))
    wrong("/contributes/schedules", "needs the permission schedule");
  if ((m.contributes.panels ?? []).length > 0 && !names.includes("ui.panel"))
    wrong("/contributes/panels", "needs the permission ui.panel");
}
