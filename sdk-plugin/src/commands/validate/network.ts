/** What a manifest says about the network and secrets that would never work, or is wider than its author may think. @source plugin-platform §3.1 */
import type { JsonObject, JsonValue, PermissionRequest, PluginManifest } from "@hearthnet/host/contract";
import { texts } from "@hearthnet/host/format";
import type { Finding } from "./finding.ts";

/** `name`, `name:port`, `*.name:port`, `*:port`, `*`; addresses of IPv6 in brackets. */
const ENTRY = /^(\*|(\*\.)?[^\s/:@*[\]]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/;
const CALLS = /\bctx\.(fetch|net)\b/;

export function checkNetwork(manifest: PluginManifest): Finding[] {
  const asked = [...manifest.permissions, ...(manifest.optionalPermissions ?? [])];
  return asked.flatMap((request) => [
    ...checkHosts(request),
    ...checkFromConfig(request, manifest),
    ...checkSecrets(request, manifest),
  ]);
}

/** @param code  of the entry's bundle */
export function checkCalls(manifest: PluginManifest, code: { path: string; text: string }): Finding[] {
  const asked = [...manifest.permissions, ...(manifest.optionalPermissions ?? [])];
  if (!CALLS.test(code.text) || asked.some(({ name }) => name.startsWith("net."))) return [];
  return [
    {
      level: "warning",
      where: code.path,
      message: "calls ctx.fetch or ctx.net, but no net.internet, net.lan, net.loopback or net.udp is asked for",
    },
  ];
}

function checkHosts({ name, scope = {} }: PermissionRequest): Finding[] {
  if (!name.startsWith("net.")) return [];
  return texts(scope, "hosts").flatMap((host): Finding[] => {
    const where = `scope of ${name}`;
    if (!ENTRY.test(host))
      return [
        { level: "error", where, message: `${host} is no host: write api.example.org:443, *.example.org:443 or an address` },
      ];
    return host.startsWith("*") && !host.startsWith("*.")
      ? [
          {
            level: "warning",
            where,
            message: `${host} is every server there is and weighs 4; name hosts, or take them from a setting`,
          },
        ]
      : [];
  });
}

function checkFromConfig({ name, scope = {} }: PermissionRequest, { config }: PluginManifest): Finding[] {
  const pointer = scope["fromConfig"];
  if (typeof pointer !== "string") return [];
  const field = pointer.split("/").slice(1).reduce<JsonValue | undefined>(below, config?.schema);
  if (object(field)["x-endpoint"] === true) return [];
  return [
    {
      level: "error",
      where: `scope of ${name}`,
      message: `${pointer} is no setting with "x-endpoint": true, so it grants nothing`,
    },
  ];
}

function checkSecrets({ name, scope = {} }: PermissionRequest, { config }: PluginManifest): Finding[] {
  if (name !== "secret.use" && name !== "secret.read") return [];
  const declared = config?.secrets ?? [];
  const known = (pointer: string): boolean => declared.some((one) => one === pointer || matches(one, pointer));
  return texts(scope, "names")
    .filter((pointer) => !known(pointer))
    .map((pointer) => ({ level: "error", where: `scope of ${name}`, message: `${pointer} is none of config.secrets` }));
}

/** `/backends/*\/key` declares `/backends/0/key`. */
function matches(pattern: string, pointer: string): boolean {
  const [steps, given] = [pattern.split("/"), pointer.split("/")];
  return steps.length === given.length && steps.every((step, at) => step === "*" || step === given[at]);
}

function below(schema: JsonValue | undefined, step: string): JsonValue | undefined {
  const { properties, items } = object(schema);
  return Object.hasOwn(object(properties), step) ? object(properties)[step] : items;
}

function object(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
