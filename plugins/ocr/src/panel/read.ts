import { panel, PanelError } from "@hearthnet/sdk-plugin/panel";
import { Pages } from "./parts/pages.ts";
import type { Refusal, Seen } from "./parts/seen.ts";
import { wordsIn } from "./parts/words.ts";

/** Bytes of a piece; as text of JSON four thirds of it, and 64 KiB may pass. */
const PIECE_BYTES = 45_000;
/** The host takes twenty questions a second. */
const BETWEEN_PIECES_MS = 55;
const BETWEEN_LOOKS_MS = 500;
const BETWEEN_GLANCES_MS = 5000;

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const file = find<HTMLInputElement>("file");
const place = find("place");
const progress = find<HTMLProgressElement>("progress");
const password = find<HTMLInputElement>("password");
const search = find<HTMLInputElement>("search");
const pages = new Pages(find("pages"));

let words = wordsIn("en");
/** What is said of the reading, in whichever language. */
let state: () => string = () => "";
/** Counts documents: what belongs to an earlier one is not shown any more. */
let turn = 0;
let reading: string | null = null;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function say(): void {
  document.title = words.title;
  find("title").textContent = words.title;
  find("choose").textContent = words.choose;
  find("drop").textContent = words.drop;
  find("stop").textContent = words.stop;
  find("unlock").textContent = words.unlock;
  find("password-label").textContent = words.password;
  find("search-label").textContent = words.search;
  find("state").textContent = state();
  pages.say(words);
}

function tell(next: () => string): void {
  state = next;
  find("state").textContent = state();
}

/** Null: how far it is cannot be said. */
function show(o: { working: boolean; share?: number | null; locked?: boolean }): void {
  find("work").hidden = !o.working;
  if (o.share === null || o.share === undefined) progress.removeAttribute("value");
  else progress.value = o.share;
  find("locked").hidden = o.locked !== true;
  find("find").hidden = pages.count === 0;
}

async function open(chosen: File): Promise<void> {
  const mine = (turn += 1);
  if (reading !== null) void panel.call("stop", { id: reading }).catch(() => {});
  reading = null;
  pages.clear();
  search.value = "";
  find("hits").textContent = "";
  show({ working: true });
  try {
    const { id } = await panel.call<{ id: string }>("lay", { size: chosen.size });
    if (mine !== turn) return void panel.call("stop", { id }).catch(() => {});
    reading = id;
    await hand(chosen, { id, mine });
    await read(id, { mine });
  } catch (error) {
    if (mine === turn) refuse(refusalOf(error));
  }
}

async function hand(chosen: File, { id, mine }: { id: string; mine: number }): Promise<void> {
  for (let at = 0; at < chosen.size && mine === turn; at += PIECE_BYTES) {
    const data = base64(new Uint8Array(await chosen.slice(at, at + PIECE_BYTES).arrayBuffer()));
    const [{ received }] = await Promise.all([
      panel.call<{ received: number }>("add", { id, at, data }),
      pause(BETWEEN_PIECES_MS),
    ]);
    tell(() => words.sending(Math.round((100 * received) / chosen.size)));
    show({ working: true, share: received / chosen.size });
  }
}

async function read(id: string, { mine, secret }: { mine: number; secret?: string }): Promise<void> {
  if (mine !== turn) return;
  tell(() => words.stages.open(0, 0));
  show({ working: true });
  await panel.call("start", secret === undefined ? { id } : { id, password: secret });
  for (let from = 0; mine === turn; await pause(BETWEEN_LOOKS_MS)) {
    const seen = await panel.call<Seen>("look", { id, from });
    if (mine !== turn) return;
    from += seen.pages.length;
    for (const page of seen.pages) pages.add(page, words);
    if (search.value !== "") look();
    if (seen.refusal !== null && seen.state === "refused") return refuse(seen.refusal);
    if (seen.state === "done") return finish(id);
    const { current, total, stage } = seen;
    if (total > 0) tell(() => words.stages[stage](current, total));
    show({ working: true, share: total === 0 ? null : Math.max(0, current - 1) / total });
  }
}

function finish(id: string): void {
  reading = null;
  void panel.call("stop", { id }).catch(() => {});
  const { count } = pages;
  tell(() => words.done(count));
  show({ working: false });
}

function refuse({ reason, message }: Refusal): void {
  tell(() => words.refusals[reason] ?? message);
  const locked = reason === "pdf_encrypted";
  if (!locked) reading = null;
  show({ working: false, locked });
  if (!locked || reading === null) return;
  password.focus();
  void wait(reading);
}

function refusalOf(error: unknown): Refusal {
  const { message } = error as Error;
  return { reason: error instanceof PanelError ? (error.reason ?? "") : "", message };
}

function look(): void {
  const count = pages.find(search.value, words);
  find("hits").textContent = search.value.trim() === "" ? "" : words.hits(count);
}

function unlock(): void {
  if (reading === null) return;
  const mine = turn;
  const secret = password.value;
  password.value = "";
  read(reading, { mine, secret }).catch((error: unknown) => refuse(refusalOf(error)));
}

/** A document that waits for its password is looked at, or the plugin would take its reader for gone. */
async function wait(id: string): Promise<void> {
  for (const mine = turn; mine === turn && !find("locked").hidden; await pause(BETWEEN_GLANCES_MS))
    await panel.call("look", { id, from: 0 }).catch(() => {});
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

file.addEventListener("change", () => {
  const [chosen] = file.files ?? [];
  if (chosen !== undefined) void open(chosen);
});
for (const name of ["dragover", "dragleave", "drop"] as const)
  place.addEventListener(name, (event) => {
    event.preventDefault();
    place.classList.toggle("over", name === "dragover");
    const chosen = name === "drop" ? event.dataTransfer?.files[0] : undefined;
    if (chosen !== undefined) void open(chosen);
  });
find("stop").addEventListener("click", () => {
  turn += 1;
  if (reading !== null) void panel.call("stop", { id: reading }).catch(() => {});
  reading = null;
  tell(() => words.stopped);
  show({ working: false });
});
// A frame may not send forms.
find("unlock").addEventListener("click", unlock);
password.addEventListener("keydown", ({ key }) => {
  if (key === "Enter") unlock();
});
search.addEventListener("input", look);
panel.onTheme(({ language }) => {
  words = wordsIn(language);
  say();
});
say();
