/** What a worker process does: one message after the other, nothing else. @source plugin-platform §4.4 */
import type {
  JsonObject,
  JsonValue,
  PluginMessage,
  WorkerHostMessage,
  WorkerMessage,
  HostMessage,
} from "@hearthnet/host/contract";
import type { Attachments, FrameChannel } from "@hearthnet/host/format";
import { rawBytes } from "../bytes.ts";
import type { Log } from "../context.ts";
import type { WorkerDefinition } from "../definition.ts";
import { abortError, describeFailure } from "./failure.ts";
import { isObject, kindOf } from "./json.ts";
import { importEntry, readWorker, type LoadModule } from "./load.ts";

export interface WorkerRoleOptions {
  channel: Pick<FrameChannel<HostMessage | WorkerHostMessage, PluginMessage | WorkerMessage>, "send">;
  log: Log;
  load: LoadModule;
  init: Extract<WorkerHostMessage, { t: "worker.init" }>;
}

export class WorkerRole {
  readonly #options: WorkerRoleOptions;
  readonly #running = new Map<number, AbortController>();
  #definition: WorkerDefinition | undefined;

  constructor(options: WorkerRoleOptions) {
    this.#options = options;
  }

  /** @throws BrokenPlugin */
  async start(): Promise<void> {
    const { init, channel } = this.#options;
    this.#definition = readWorker(await importEntry(this.#options.load, init.entry), init.entry);
    await channel.send({ t: "ready", registered: [] });
  }

  receive(message: Extract<WorkerHostMessage, { t: "work" }>, attachments: Attachments): void {
    const controller = new AbortController();
    this.#running.set(message.id, controller);
    void this.#work(message, { bytes: inOrder(attachments), signal: controller.signal }).finally(() =>
      this.#running.delete(message.id),
    );
  }

  cancel(id: number, why: string): void {
    this.#running.get(id)?.abort(abortError(`The work was cancelled: ${why}.`));
  }

  cancelAll(): void {
    for (const id of this.#running.keys()) this.cancel(id, "the worker is being stopped");
  }

  async #work(
    message: Extract<WorkerHostMessage, { t: "work" }>,
    { bytes, signal }: { bytes: Uint8Array[]; signal: AbortSignal },
  ): Promise<void> {
    const { channel, log, init } = this.#options;
    const { id } = message;
    try {
      if (this.#definition === undefined) throw new Error("Work came before the worker was ready.");
      const progress = (data: object): void => void channel.send({ t: "progress", id, data: data as JsonObject }).catch(() => {});
      const result: unknown = await this.#definition.message(message.msg, { bytes, signal, assetsDir: init.assetsDir, progress });
      const { json, attachments } = checkedWork(result);
      await channel.send({ t: "work.ok", id, json }, attachments);
    } catch (error) {
      const { wire, detail } = describeFailure(error, signal.aborted);
      if (detail !== undefined) log.error(detail);
      await channel.send({ t: "error", id, ...wire }).catch(() => {});
    }
  }
}

/** `/bytes/0`, `/bytes/1`, … as a list. */
function inOrder(attachments: Attachments): Uint8Array[] {
  return Array.from(attachments.keys(), (_, index) => attachments.get(`/bytes/${index}`) ?? new Uint8Array(0));
}

function checkedWork(result: unknown): { json: JsonValue; attachments: Record<string, Uint8Array> } {
  if (!isObject(result) || result["json"] === undefined) {
    throw new TypeError(`A worker must return { json, bytes? }; this one returned ${kindOf(result)}.`);
  }
  const list: unknown = result["bytes"] ?? [];
  if (!Array.isArray(list)) throw new TypeError(`A worker's bytes must be a list, not ${kindOf(list)}.`);
  const attachments: Record<string, Uint8Array> = {};
  for (const [index, part] of list.entries()) {
    const raw = rawBytes(part);
    if (raw === undefined) throw new TypeError(`bytes[${index}] of a worker's answer is ${kindOf(part)}, not bytes.`);
    attachments[`/bytes/${index}`] = raw;
  }
  return { json: result["json"], attachments };
}
