import type { OcrBackend } from "../backends/backend.ts";
import { Failure } from "../failure.ts";

/** A named backend is that one or an error, never another. @throws not_found `backend_unknown` @source 22 rule 4, O3 */
export function chooseBackend(name: string | undefined, backends: OcrBackend[]): OcrBackend {
  const chosen = name === undefined ? backends[0] : backends.find((backend) => backend.name === name);
  if (chosen) return chosen;
  const available = backends.length === 0 ? "none" : backends.map((backend) => backend.name).join(", ");
  const message =
    name === undefined
      ? "Text recognition is switched off in the plugin's settings."
      : `There is no engine ${name}. Available: ${available}.`;
  throw new Failure("not_found", { reason: "backend_unknown", message });
}
