/** Releases of an author's own session on a node: the namespace `dev`, which nobody can publish in. @source plugin-platform §2.1, §9 `dev` */
export const DEV_NAMESPACE = "dev";

const VERSION = /^0\.0\.0-dev\.[a-f][0-9a-f]{11}$/;

export function isDevId(id: string): boolean {
  return id.startsWith(`${DEV_NAMESPACE}/`);
}

export function isDevVersion(version: string): boolean {
  return VERSION.test(version);
}

/** @param sha256  of everything in the release, hex. A part of a version that is all digits must not begin with 0, so this one begins with a letter. */
export function devVersion(sha256: string): string {
  const from = sha256.search(/[a-f]/);
  return `0.0.0-dev.${(sha256.slice(from) + sha256).slice(0, 12)}`;
}
