/** Reads scopes without trusting their shape: what is malformed grants nothing. */
import type { JsonObject } from "../../contract/index.ts";

/** The texts of a list in a scope; anything else counts as not there. */
export function texts(scope: JsonObject, field: string): string[] {
  const value = Object.hasOwn(scope, field) ? scope[field] : undefined;
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}

/** A limit in a scope; absent or malformed means 0. */
export function amount(scope: JsonObject, field: string): number {
  const value = Object.hasOwn(scope, field) ? scope[field] : undefined;
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

/** `/backends/*\/api_key` covers `/backends/0/api_key`. */
export function pointerCovers(pattern: string, pointer: string): boolean {
  const [wanted, given] = [pattern.split("/"), pointer.split("/")];
  return wanted.length === given.length && wanted.every((step, at) => step === given[at] || (step === "*" && given[at] !== ""));
}
