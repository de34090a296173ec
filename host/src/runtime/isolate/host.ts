/** One confined process that holds isolates of one publisher's plugins. @source plugin-platform §1.2, §1.3 */
import { PassThrough } from "node:stream";
import type { IsolateOrder, IsolateReport, JsonObject } from "../../contract/index.ts";
import { FrameChannel, Lanes, type ByteSocket } from "../../format/index.ts";
import type { ExitFacts, Launched } from "../confine/index.ts";

export interface Guest {
  /** Of the plugin. */
  id: string;
  /** Path of the bundle inside the package, for messages. */
  entry: string;
  bundle: Uint8Array;
  manifest: JsonObject;
  /** What its isolate should stay below; the process has the hard limit. */
  memoryMb: number;
}

interface Place {
  id: string;
  stderr: PassThrough;
  exited: (facts: ExitFacts) => void;
  /** How it ended, known before the process has. */
  end?: ExitFacts["end"];
}

const CONTROL_LANE = 0;
const SHARED = "The isolate host that it shares with other plugins of its publisher was ended.";

export class IsolateHost {
  readonly #process: Launched;
  readonly #lanes: Lanes;
  readonly #control: FrameChannel<IsolateReport, IsolateOrder>;
  readonly #places = new Map<number, Place>();
  #nextLane = CONTROL_LANE + 1;
  #over = false;

  constructor(process: Launched, onOver: () => void) {
    this.#process = process;
    this.#lanes = new Lanes({
      socket: process.link,
      // Lanes are opened from here alone.
      onLane: (_, lane) => lane.destroy(),
      onClose: () => this.#kill(),
    });
    this.#control = new FrameChannel({
      socket: this.#lanes.open(CONTROL_LANE),
      parity: "even",
      onMessage: (report) => this.#report(report),
      onError: () => this.#kill(),
    });
    process.stdout.resume();
    process.stderr.on("data", (bytes: Uint8Array) => {
      for (const { stderr } of this.#places.values()) stderr.write(bytes);
    });
    void process.exited.then((facts) => {
      this.#over = true;
      onOver();
      for (const [number, { end }] of this.#places)
        this.#leave(number, { ...facts, end: end ?? { cause: "exited", detail: SHARED } });
    });
  }

  get size(): number {
    return this.#places.size;
  }

  holds(id: string): boolean {
    return this.#places.values().some((place) => place.id === id);
  }

  /** Takes no more guests: it is ending. */
  get over(): boolean {
    return this.#over;
  }

  admit(guest: Guest): Launched<ByteSocket> {
    const shared = this.#process;
    const { pid, paths } = shared;
    const number = this.#nextLane;
    this.#nextLane += 1;
    const lane = this.#lanes.open(number);
    const { id } = guest;
    const [stdout, stderr] = [new PassThrough().end(), new PassThrough()];
    const exited = new Promise<ExitFacts>((resolve) => this.#places.set(number, { id, stderr, exited: resolve }));
    const { entry, manifest, memoryMb, bundle } = guest;
    this.#control
      .send({ t: "isolate", lane: number, entry, manifest, memoryMb }, { "/bundle": bundle })
      .catch(() => this.#kill());
    const kill = (): void => {
      if (this.#places.has(number)) this.#kill();
    };
    return {
      sandboxed: true,
      pid,
      paths,
      link: lane,
      stdout,
      stderr,
      exited,
      nodePid: () => shared.nodePid(),
      tree: () => shared.tree(),
      kill,
    };
  }

  /** Always by force: what the addon does at an orderly exit is not to be relied on. */
  #kill(): void {
    this.#over = true;
    this.#process.kill();
  }

  #report(report: IsolateReport): void {
    if (report.t !== "ended") return;
    const { cause, detail } = report;
    const known = (["exited", "hung", "over_quota"] as const).find((one) => one === cause) ?? "exited";
    const end: ExitFacts["end"] = { cause: known, detail: String(detail) };
    const place = this.#places.get(report.lane);
    if (place === undefined) return;
    if (this.#places.size > 1) return this.#leave(report.lane, { code: null, signal: null, end });
    // The last one takes the process along, and is gone when that is.
    place.end = end;
    this.#kill();
  }

  #leave(number: number, facts: ExitFacts): void {
    const place = this.#places.get(number);
    if (place === undefined) return;
    this.#places.delete(number);
    place.stderr.end();
    place.exited(facts);
  }
}
