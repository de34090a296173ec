import type { JsonSchema, JsonValue } from "@hearthnet/host/contract";

/** What every control of the form is given. */
export interface Control {
  id: string;
  /** JSON pointer of the value; the form finds by it which field was left. */
  at: string;
  schema: JsonSchema;
  describedby: string;
  invalid: boolean;
}

/** The same for every control that is one element. */
export function attributes(control: Control): Record<string, string | undefined> {
  return {
    id: control.id,
    "data-at": control.at,
    "aria-describedby": control.describedby,
    "aria-invalid": control.invalid ? "true" : undefined,
  };
}

export interface Labelled {
  value: JsonValue;
  label: string;
  /** A schema speaks English where its plugin has no translation. */
  lang: string | undefined;
}
