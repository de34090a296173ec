import type { FilesPage, LocalError, Visibility } from "@hearthnet/host/contract";
import { errorOf, newClientId } from "#lib/api/client.ts";
import { bytes } from "#lib/i18n/format.ts";
import { t } from "#lib/i18n/locale.svelte.ts";
import { alarm, say } from "#lib/state/announce.svelte.ts";
import { upload } from "./upload.ts";

/** More would only share the same disk. */
const AT_ONCE = 2;

export type UploadState = "waiting" | "sending" | "storing" | "done" | "failed" | "cancelled";

/** One file on its way. */
export class Upload {
  readonly id: string = newClientId();
  readonly file: File;
  readonly visibility: Visibility;
  state: UploadState = $state("waiting");
  sent: number = $state(0);
  error: LocalError | null = $state.raw(null);
  /** Why the page did not even try. */
  refused: string = $state("");
  abort: AbortController = new AbortController();

  constructor(file: File, visibility: Visibility) {
    this.file = file;
    this.visibility = visibility;
  }

  get open(): boolean {
    return this.state === "waiting" || this.state === "sending" || this.state === "storing";
  }
}

/** Files on their way, a few at a time, in the order they were given. */
export class Uploads {
  items: Upload[] = $state.raw([]);
  readonly #stored: () => void;

  /** @param stored  after each that has arrived */
  constructor(stored: () => void) {
    this.#stored = stored;
  }

  /** @param store  what the node last said of its room: what cannot fit is refused here, before it travels */
  add(files: Iterable<File>, o: { visibility: Visibility; store: FilesPage["store"] }): void {
    const added = [...files].map((file) => new Upload(file, o.visibility));
    let free =
      (o.store?.free_bytes ?? Infinity) -
      this.items.filter(({ open }) => open).reduce((sum, { file, sent }) => sum + file.size - sent, 0);
    for (const one of added) {
      const { size } = one.file;
      const max = o.store?.max_blob_bytes ?? Infinity;
      if (size > max) one.refused = t().files.tooLarge({ size: bytes(size), max: bytes(max) });
      else if (size > free) one.refused = t().files.noRoom({ size: bytes(size), free: bytes(Math.max(0, free)) });
      else free -= size;
      if (one.refused === "") continue;
      one.state = "failed";
      alarm(t().files.failedOne({ name: one.file.name }));
    }
    this.items = [...this.items, ...added];
    this.#next();
  }

  cancel(one: Upload): void {
    if (!one.open) return;
    one.state = "cancelled";
    one.abort.abort();
    this.#next();
  }

  again(one: Upload): void {
    Object.assign(one, { state: "waiting", sent: 0, error: null, refused: "", abort: new AbortController() });
    this.#next();
  }

  clear(): void {
    this.items = this.items.filter(({ open }) => open);
  }

  /** When the page is left. */
  leave(): void {
    for (const one of this.items) if (one.open) this.cancel(one);
  }

  #next(): void {
    const busy = this.items.filter(({ state }) => state === "sending" || state === "storing").length;
    for (const one of this.items.filter(({ state }) => state === "waiting").slice(0, Math.max(0, AT_ONCE - busy)))
      void this.#run(one);
  }

  async #run(one: Upload): Promise<void> {
    const { file, visibility, abort } = one;
    one.state = "sending";
    try {
      await upload(file, {
        visibility,
        signal: abort.signal,
        onSent: (sent, total) => {
          one.sent = Math.min(sent, total);
          if (sent >= total && one.state === "sending") one.state = "storing";
        },
      });
      one.sent = file.size;
      one.state = "done";
      say(t().files.storedOne({ name: file.name }));
      this.#stored();
    } catch (error) {
      if (!abort.signal.aborted) {
        one.error = errorOf(error);
        one.state = "failed";
        alarm(t().files.failedOne({ name: file.name }));
      }
    }
    this.#next();
  }
}
