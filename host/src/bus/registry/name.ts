import { HnError } from "../../foundation/index.ts";

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
const HOST_ONLY = new Set(["community", "auth"]);
/** First words that the protocol has given out. @source 00 §5.1 */
const ALLOCATED = new Set([
  ...HOST_ONLY,
  "llm",
  "embed",
  "rag",
  "file",
  "market",
  "chat",
  "federation",
  "ocr",
  "trans",
  "stt",
  "tts",
  "img",
  "rerank",
  "relay",
  "e2e",
  "mobile",
  "onboard",
  "observability",
  "emergency",
  "protocol",
  "evidence",
  "civdef",
  "ext",
  "experimental",
]);

export function isCapabilityName(name: string): boolean {
  return name.length <= 64 && NAME.test(name);
}

/** `sys.*` and `*.http.*` only sign HTTP routes. @source 02 T-4 */
export function isPseudoName(name: string): boolean {
  return name.startsWith("sys.") || name.split(".").indexOf("http", 1) > 0;
}

export function isExperimental(name: string): boolean {
  return name.startsWith("experimental.");
}

/** `emergency.*` is this node's own business. @source 00 §5.1 */
export function isLocalOnly(name: string): boolean {
  return name.startsWith("emergency.");
}

/**
 * Refuses a name that its owner may not register.
 * @param owner  plugin id; `undefined` for the host itself
 * @throws bad_request reason namespace_violation
 */
export function checkNamespace(name: string, owner: string | undefined): void {
  const refuse = (why: string): never => {
    throw new HnError("bad_request", {
      reason: "namespace_violation",
      message: `The capability "${name.slice(0, 64)}" cannot be registered: ${why}.`,
    });
  };
  if (!isCapabilityName(name)) refuse("a name is dotted lower case, at most 64 characters, for example ext.acme.weather");
  if (isPseudoName(name)) refuse("sys.* and *.http.* are reserved for HTTP routes");
  const first = name.slice(0, name.indexOf("."));
  if (!ALLOCATED.has(first)) refuse("its first word is not allocated; use ext.<namespace>.<name>");
  if (HOST_ONLY.has(first) && owner !== undefined) refuse("it belongs to the host");
}
