/** A daemon in a process of its own, so that its memory and its event loop are its alone. Usage: fork(…, [FOLDER]); answers `Question`s. */
import { HnError } from "../../host/src/foundation/index.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import { recordOf } from "../security/attacks/report.ts";
import type { DaemonActs, Question } from "./daemon-acts.ts";
import { openMeasures } from "./measures.ts";

const daemon = await Daemon.open(process.argv[2] ?? "");
const { runtime } = daemon;
/** Held, so that a stream that nobody reads is not ended as garbage. */
const held: unknown[] = [];

const acts: {
  [Act in keyof DaemonActs]: (asks: DaemonActs[Act]["asks"]) => Promise<DaemonActs[Act]["says"]> | DaemonActs[Act]["says"];
} = {
  install: (parts) => daemon.install(parts),
  call: ({ capability, input, ...o }) => daemon.call(capability, input, o),
  async hold({ capability, input }) {
    const frames = daemon.stream(capability, input);
    held.push(frames);
    const first = await frames.next();
    return first.done === true ? "done" : first.value.event;
  },
  status: (id) => runtime.get(id) ?? null,
  hostLines: (id) =>
    runtime
      .logs(id, { limit: 1000 })
      .filter(({ source }) => source === "host")
      .map(({ message }) => message),
  record: (id) => recordOf(runtime, id),
  setConfig: async ({ id, value }) => (await runtime.setConfig(id, value, {})).result,
  disable: (id) => runtime.disable(id),
  enable: (id) => runtime.enable(id),
  restart: (id) => runtime.restart(id),
  async remove(id) {
    await runtime.remove(id, { keepData: false });
    return null;
  },
  measure: openMeasures(),
};

async function answer({ id, act, asks }: Question): Promise<void> {
  try {
    const says = await (acts[act] as (asks: unknown) => unknown)(asks);
    process.send?.({ id, says });
  } catch (thrown) {
    process.send?.({ id, error: HnError.from(thrown).toLocal() });
  }
}

process.on("message", (question: Question) => void answer(question));
process.on("disconnect", () => void daemon.close().then(() => process.exit(0)));
process.send?.({ id: 0, says: null });
