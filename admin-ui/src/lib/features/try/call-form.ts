import type { CallableCapability, JsonObject, JsonSchema, JsonValue } from "@hearthnet/host/contract";
import { asSchema, follow, isObject, propertiesOf, requiredOf } from "../form/schema.ts";
import { startValue, withoutEmpty } from "../form/shape.ts";

/** What the console shows for one capability, made from its request schema. */
export interface CallForm {
  root: JsonSchema;
  /** False when no provider has published a schema; the bodies are then written as JSON. */
  known: boolean;
  params: JsonSchema | null;
  input: JsonSchema | null;
  /** JSON pointers of fields that carry bytes. */
  binary: string[];
  /** Pointers shown elsewhere: files have a drop zone, and a reference to stored files needs a file store that is not there. */
  skip: string[];
  /** Everything but the file may stay empty, so it is folded away. */
  folded: boolean;
}

export interface CallBodies {
  params: JsonObject;
  input: JsonObject;
}

export function callForm(lead: Pick<CallableCapability, "request_schema" | "binary"> | null): CallForm {
  const root = asSchema(lead?.request_schema ?? undefined);
  const parts = new Map(propertiesOf(follow(root, root)));
  const binary = lead?.binary ?? [];
  const [params, input] = [parts.get("params") ?? null, parts.get("input") ?? null];
  const needed = (schema: JsonSchema | null, at: string): string[] =>
    schema === null ? [] : requiredOf(follow(schema, root)).map((name) => `${at}/${name}`);
  const open = [...needed(params, "/params"), ...needed(input, "/input")].filter((pointer) => !binary.includes(pointer));
  const references =
    binary.length === 0 || input === null
      ? []
      : propertiesOf(follow(input, root)).flatMap(([key]) => (key.endsWith("_cid") ? [`/input/${key}`] : []));
  return {
    root,
    known: lead !== null && lead.request_schema !== null,
    params,
    input,
    binary,
    skip: [...binary, ...references],
    folded: binary.length > 0 && open.length === 0,
  };
}

export function startBodies(form: CallForm): { params: JsonValue; input: JsonValue } {
  const start = (schema: JsonSchema | null): JsonValue => (schema === null ? {} : (startValue(schema, form.root) ?? {}));
  return { params: start(form.params), input: start(form.input) };
}

/** The bodies as they are sent: without what was left empty, so that the provider's own defaults count. */
export function tidyBodies(form: CallForm, values: { params: JsonValue | undefined; input: JsonValue | undefined }): CallBodies {
  const tidy = (value: JsonValue | undefined, schema: JsonSchema | null): JsonObject => {
    const kept = withoutEmpty(value, schema ?? {}, form.root);
    return isObject(kept) ? kept : {};
  };
  return { params: tidy(values.params, form.params), input: tidy(values.input, form.input) };
}

/** `/input/image_b64` → `image_b64` */
export function fieldOf(pointer: string): string {
  return pointer.split("/").at(-1) ?? "";
}
