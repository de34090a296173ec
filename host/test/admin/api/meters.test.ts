import assert from "node:assert/strict";
import { test } from "node:test";
import { metricsText } from "../../../src/admin/api/meters.ts";
import type { PluginStatus } from "../../../src/contract/index.ts";

const RESOURCES: NonNullable<PluginStatus["resources"]> = {
  rssMb: 50,
  cpuPercent: 150,
  pids: 3,
  diskMb: 2,
  egressMb: null,
  calls: 7,
  callsPerMinute: 2,
  queue: 1,
  p50Ms: 12.5,
  p99Ms: 80,
  strikes: 0,
};
const status = (id: string, resources: PluginStatus["resources"]): PluginStatus => ({ id, resources }) as PluginStatus;

/** Name and labels → value, as a reader of the format takes it; throws for any other line. */
function read(text: string): Map<string, number> {
  const found = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of text.trimEnd().split("\n")) {
    const type = /^# TYPE ([a-z_0-9]+) (?:gauge|counter)$/.exec(line)?.[1];
    if (type !== undefined) {
      assert.ok(!typed.has(type), `${type} is declared once`);
      typed.add(type);
    } else if (!/^# HELP [a-z_0-9]+ .+$/.test(line)) {
      const [, series = "", name = "", value] =
        /^(([a-z_0-9]+)\{[a-z_]+="[\w/:-]+"(?:,[a-z_]+="\w+")*\}) (\S+)$/.exec(line) ?? assert.fail(line);
      assert.ok(typed.has(name) && !found.has(series), line);
      found.set(series, Number(value));
    }
  }
  return found;
}

test("tells what runs in base units, and leaves out what is not measured or does not run (§7 /metrics)", () => {
  const found = read(metricsText([status("dev/a", RESOURCES), status("dev/off", null)]));
  assert.equal(found.get('hearthnet_plugin_up{plugin="dev/a"}'), 1);
  assert.equal(found.get('hearthnet_plugin_up{plugin="dev/off"}'), 0);
  assert.equal(found.get('hearthnet_plugin_memory_bytes{plugin="dev/a"}'), 52_428_800);
  assert.equal(found.get('hearthnet_plugin_cpu_ratio{plugin="dev/a"}'), 1.5);
  assert.equal(found.get('hearthnet_plugin_call_p50_seconds{plugin="dev/a"}'), 0.0125);
  assert.equal(found.get('hearthnet_plugin_calls_total{plugin="dev/a"}'), 7);
  assert.ok(
    [...found.keys()].every((series) => !series.includes("egress") && (!series.includes("dev/off") || series.includes("_up{"))),
  );
});

test("names no more than 256 plugins, whatever is installed (§7)", () => {
  const many = Array.from({ length: 300 }, (_, n) => status(`dev/p${n}`, RESOURCES));
  const plugins = new Set([...read(metricsText(many)).keys()].map((series) => /"(.+)"/.exec(series)?.[1]));
  assert.equal(plugins.size, 256);
});
