import { join, relative, resolve } from "node:path";
import { configMistake } from "./config-mistake.ts";
import type { RegistryConfig } from "./define-config.ts";
import type { RegistrySource } from "./marketplace/index.ts";
import { PATHS } from "./paths.ts";

const EMBEDDED = "hearthnet";
const MAX = 16;
const FIELDS = ["name", "url", "path", "root", "namespaces"];
const PIN = /^sha256:([0-9a-f]{64})$/;

/**
 * The list as its owner wrote it, with whole paths.
 * @param folder  what relative paths start from
 * @throws bad_request naming the entry and its field
 */
export function readRegistries(value: unknown, folder: string): RegistryConfig[] {
  if (!Array.isArray(value) || value.length > MAX) throw configMistake("registries", `a list of at most ${MAX} is expected`);
  const owners = new Map<string, string>();
  const names = new Set<string>();
  return value.map((item: unknown, i) => {
    const place = `registries/${i}`;
    if (typeof item !== "object" || item === null) throw configMistake(place, `{ ${FIELDS.join(", ")} } is expected`);
    for (const field of Object.keys(item))
      if (!FIELDS.includes(field))
        throw configMistake(`${place}/${field}`, `there is no such setting; known are ${FIELDS.join(", ")}`);
    const entry = item as Record<keyof RegistryConfig, unknown>;
    const name = readName(entry.name, `${place}/name`);
    if (names.has(name)) throw configMistake(`${place}/name`, `two registries are called ${name}`);
    names.add(name);
    const source = readPlace(entry, { place, folder });
    const namespaces = readNamespaces(entry.namespaces, `${place}/namespaces`);
    for (const pattern of namespaces) {
      const other = owners.get(pattern);
      if (other !== undefined)
        throw configMistake(`${place}/namespaces`, `${pattern} belongs to ${other} already; a namespace has one registry`);
      owners.set(pattern, name);
    }
    return { name, ...source, root: readRoot(entry.root, { place: `${place}/root`, folder, path: source.path }), namespaces };
  });
}

/** Every registry of this node: the one that ships with the host, then the owner's. */
export function registrySources(configured: readonly RegistryConfig[]): RegistrySource[] {
  return [
    {
      id: EMBEDDED,
      root: join(PATHS.embeddedRegistry, "root.json"),
      source: PATHS.embeddedRegistry,
      namespaces: [`${EMBEDDED}/*`, "*"],
      embedded: true,
    },
    ...configured.map(({ name, url, path, root, namespaces }): RegistrySource => {
      const [, sha256] = PIN.exec(root) ?? [];
      return { id: name, source: url ?? path ?? "", root: sha256 === undefined ? root : { sha256 }, namespaces };
    }),
  ];
}

function readName(value: unknown, place: string): string {
  if (typeof value !== "string" || !/^[a-z][a-z0-9-]{0,38}$/.test(value))
    throw configMistake(place, "a short name of letters a-z, digits and dashes is expected");
  if (value === EMBEDDED) throw configMistake(place, `${EMBEDDED} is the registry that ships with the host`);
  return value;
}

function readPlace(
  { url, path }: { url: unknown; path: unknown },
  o: { place: string; folder: string },
): Pick<RegistryConfig, "url" | "path"> {
  if ((url === undefined) === (path === undefined))
    throw configMistake(o.place, "either url or path is expected, so that it is clear where it lies");
  if (url === undefined) {
    if (typeof path !== "string" || path === "") throw configMistake(`${o.place}/path`, "a folder is expected");
    return { path: resolve(o.folder, path) };
  }
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  const isLocal = parsed?.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(parsed.hostname);
  if (parsed === null || (parsed.protocol !== "https:" && !isLocal))
    throw configMistake(`${o.place}/url`, "an address with https:// is expected; http:// only reaches this machine");
  if (`${parsed.username}${parsed.password}${parsed.search}${parsed.hash}` !== "")
    throw configMistake(`${o.place}/url`, "the address must hold no password and no ? or #");
  return { url: parsed.href };
}

function readRoot(value: unknown, o: { place: string; folder: string; path: string | undefined }): string {
  if (typeof value !== "string" || value === "")
    throw configMistake(o.place, 'a copy of its root.json, or "sha256:" and the hash of that file, is expected');
  if (value.startsWith("sha256:")) {
    if (!PIN.test(value)) throw configMistake(o.place, '"sha256:" is followed by 64 digits 0-9, a-f');
    return value;
  }
  const file = resolve(o.folder, value);
  if (o.path !== undefined && !/^\.\.(?:[\\/]|$)/.test(relative(o.path, file)))
    throw configMistake(
      o.place,
      "it must not lie in the registry's own folder: whoever exchanges that would exchange what it is judged by. Copy it elsewhere, or name its hash",
    );
  return file;
}

function readNamespaces(value: unknown, place: string): string[] {
  const example = 'a list as ["acme/*"] is expected';
  if (!Array.isArray(value) || value.length === 0) throw configMistake(place, example);
  return value.map((pattern: unknown) => {
    if (pattern === "*") throw configMistake(place, `* belongs to the registry that ships with the host; ${example}`);
    if (typeof pattern !== "string" || !/^[a-z][a-z0-9-]{1,38}\/\*$/.test(pattern)) throw configMistake(place, example);
    if (pattern === `${EMBEDDED}/*`)
      throw configMistake(place, `${pattern} belongs to the registry that ships with the host, and to no other`);
    return pattern;
  });
}
