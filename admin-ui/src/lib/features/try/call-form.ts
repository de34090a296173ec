import type { CallableCapability, JsonObject, JsonSchema, JsonValue } from "@hearthnet/host/contract";
import { asSchema, follow, isObject, propertiesOf, requiredOf } from "../form/schema.ts";
import { shapeOf, startValue, withoutEmpty } from "../form/shape.ts";

/** What the console shows for one capability, made from its request schema. */
export interface CallForm {
  root: JsonSchema;
  /** False when no provider has published a schema; the bodies are then written as JSON. */
  known: boolean;
  params: JsonSchema | null;
  input: JsonSchema | null;
  /** JSON pointers of fields that carry bytes. */
  binary: string[];
  /** Fields that take the id of a stored file: each has a drop zone of its own, which stores the file first. */
  stored: string[];
  /** Pointers shown elsewhere than among the other fields. */
  skip: string[];
  /** Everything but the file may stay empty, so it is folded away. */
  folded: boolean;
}

export interface CallBodies {
  params: JsonObject;
  input: JsonObject;
}

/** @param hasStore  whether this node keeps files; without, an id beside a field of bytes is of no use to anybody */
export function callForm(
  lead: Pick<CallableCapability, "request_schema" | "binary"> | null,
  { hasStore }: { hasStore: boolean },
): CallForm {
  const root = asSchema(lead?.request_schema ?? undefined);
  const parts = new Map(propertiesOf(follow(root, root)));
  // Others are fields of frames that follow the call, or of its answer.
  const binary = (lead?.binary ?? []).filter((pointer) => /^\/(input|params)\//.test(pointer));
  const [params, input] = [fillable(parts.get("params"), root), fillable(parts.get("input"), root)];
  const needed = (schema: JsonSchema | null, at: string): string[] =>
    schema === null ? [] : requiredOf(follow(schema, root)).map((name) => `${at}/${name}`);
  const references = fileFields(root).filter((pointer) => pointer.endsWith("_cid"));
  const stored = hasStore ? references : [];
  const open = [...needed(params, "/params"), ...needed(input, "/input")].filter(
    (pointer) => !binary.includes(pointer) && !stored.includes(pointer),
  );
  return {
    root,
    known: lead !== null && lead.request_schema !== null,
    params,
    input,
    binary,
    stored,
    skip: [...binary, ...(hasStore || binary.length > 0 ? references : [])],
    folded: binary.length + stored.length > 0 && open.length === 0,
  };
}

/** Null for a body in which nothing can stand. */
function fillable(body: JsonSchema | undefined, root: JsonSchema): JsonSchema | null {
  if (body === undefined) return null;
  const { kind, schema } = shapeOf(body, root);
  return kind === "object" && propertiesOf(schema).length === 0 ? null : body;
}

/** How many bytes a field takes: what the whole call may have, or less where the field itself says so. */
export function mostBytes(form: CallForm, pointer: string, bodyBytes: number): number {
  const { maxLength } = partOf(form, pointer) ?? {};
  return typeof maxLength === "number" ? Math.min(bodyBytes, Math.floor((maxLength * 3) / 4)) : bodyBytes;
}

/** What a file says of itself, under the names that the fields beside its bytes have. @source 30 §2 */
export function besides(form: CallForm, pointer: string, file: Pick<File, "name" | "type">): Record<string, string> {
  const facts = { filename: file.name, mime_type: file.type };
  const said = Object.entries(facts).filter(
    ([field, value]) => value !== "" && partOf(form, pointer.replace(/[^/]+$/, field)) !== undefined,
  );
  return Object.fromEntries(said);
}

function partOf({ root, params, input }: CallForm, pointer: string): JsonSchema | undefined {
  const body = pointer.startsWith("/params/") ? params : input;
  const part = new Map(propertiesOf(follow(body ?? {}, root))).get(fieldOf(pointer));
  return part === undefined ? undefined : follow(part, root);
}

/** Pointers of the fields of a request that name a stored file: `…_cid`, and `cid` itself. */
export function fileFields(request: JsonSchema | null | undefined): string[] {
  const root = asSchema(request ?? undefined);
  return propertiesOf(follow(root, root)).flatMap(([part, schema]) =>
    part === "input" || part === "params"
      ? propertiesOf(follow(schema, root)).flatMap(([key]) => (/(^|_)cid$/.test(key) ? [`/${part}/${key}`] : []))
      : [],
  );
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
