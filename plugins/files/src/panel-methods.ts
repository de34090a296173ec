/** What the panel may ask for: how the store stands, and its passphrase. @source 30 §7 */
import { HnError, type JsonValue } from "@hearthnet/sdk-plugin";
import type { PanelAnswer, PanelState } from "./panel-state.ts";
import type { Service } from "./service.ts";

/** A key is stretched at most as often at once: each takes 128 MiB. */
let stretching = false;

export function panelMethods(service: () => Service): Record<string, (input: JsonValue) => Promise<PanelAnswer>> {
  const answer = (ok: boolean): PanelAnswer => ({ ok, state: stateOf(service()) });
  return {
    state: async () => answer(true),
    unlock: async (input) => {
      const { keyring, opened, collect } = service();
      const root = await alone(() => keyring.open(textIn(input, "passphrase")));
      if (root === null) return answer(false);
      opened.vault.unlock(root);
      void collect().catch(() => {});
      return answer(true);
    },
    change: async (input) => {
      const { keyring, opened } = service();
      if (opened.vault.locked) return answer(false);
      const [present, next] = [textIn(input, "present"), textIn(input, "next")];
      return answer(await alone(() => keyring.change(present === "" ? undefined : present, next === "" ? null : next)));
    },
  };
}

async function alone<T>(work: () => Promise<T>): Promise<T> {
  if (stretching) throw new HnError("capacity_exceeded", { message: "A passphrase is being tried already.", retryAfterMs: 1000 });
  stretching = true;
  try {
    return await work();
  } finally {
    stretching = false;
  }
}

function textIn(input: JsonValue, name: string): string {
  const value = (Object(input) as Record<string, unknown>)[name];
  if (typeof value === "string" && value.length <= 1024) return value;
  throw new HnError("bad_request", { message: `The field ${name} must be a text of at most 1024 characters.` });
}

function stateOf({ opened, keyring }: Service): PanelState {
  const { store, recoder, vault } = opened;
  return {
    usedBytes: store.usedBytes(),
    files: store.count(),
    locked: vault.locked,
    hasPassphrase: keyring.hasPassphrase,
    converting: recoder.left(),
  };
}
