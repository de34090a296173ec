import { panel } from "@hearthnet/sdk-plugin/panel";
import type { PanelAnswer, PanelState } from "../panel-state.ts";
import { wordsIn } from "./words.ts";

const find = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;
const passphrase = find<HTMLInputElement>("passphrase");
const present = find<HTMLInputElement>("present");
const next = find<HTMLInputElement>("next");
let words = wordsIn("en");
let state: PanelState | null = null;

function show(): void {
  document.title = words.title;
  find("title").textContent = words.title;
  find("passphrase-label").textContent = words.passphrase;
  find("unlock-button").textContent = words.unlock;
  find("present-label").textContent = words.present;
  find("next-label").textContent = words.next;
  find("next-hint").textContent = words.nextHint;
  find("change-button").textContent = words.change;
  if (state === null) return;
  const { usedBytes, files, locked, hasPassphrase, converting } = state;
  find("used").textContent = words.used(Math.round(usedBytes / 1_048_576), files);
  const form = locked ? words.locked : hasPassphrase ? words.openWithPassphrase : words.open;
  find("state").textContent = converting > 0 && !locked ? `${form} ${words.converting(converting)}` : form;
  find("unlock").hidden = !locked;
  find("change").hidden = locked;
}

/** What the plugin refuses, and its words for it, are shown where the eye is. */
async function ask(method: string, input: Record<string, string>, said: string): Promise<void> {
  try {
    const answer = await panel.call<PanelAnswer>(method, input);
    state = answer.state;
    find("said").textContent = answer.ok ? said : words.wrong;
  } catch (error) {
    find("said").textContent = (error as Error).message;
  }
  for (const field of [passphrase, present, next]) field.value = "";
  show();
}

/** A frame may not send forms, so the button and the Enter key do it themselves. */
function acts(button: string, fields: readonly HTMLInputElement[], act: () => void): void {
  find(button).addEventListener("click", act);
  for (const field of fields)
    field.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") act();
    });
}

acts("unlock-button", [passphrase], () => void ask("unlock", { passphrase: passphrase.value }, words.unlocked));
acts("change-button", [present, next], () => void ask("change", { present: present.value, next: next.value }, words.changed));

panel.onTheme(({ language }) => {
  words = wordsIn(language);
  show();
});
void ask("state", {}, "");
