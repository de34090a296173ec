import type { CheckText, FoundValues, HealthCheck } from "@hearthnet/host/contract";
import { errorWords } from "#lib/i18n/format.ts";
import { pick, t } from "#lib/i18n/locale.svelte.ts";

/** What a check found, in the reader's language; `said` holds the node's own English words where a failure has more to tell. */
export interface CheckWords extends CheckText {
  said: string | null;
}

/** The node sends codes and values, the sentences are the page's own. */
export function checkWords({ finding }: HealthCheck): CheckWords {
  const texts = t().findings.checks;
  switch (finding.code) {
    case "plugin": {
      const { name, state, error } = finding.values;
      const { what, todo, detail } = errorWords(error);
      return { title: pick(name), detail: `${t().states[state]}. ${what}`, fix: todo, said: detail };
    }
    case "catalogue_silent": {
      const registries = finding.values.registries.map(({ id, error }) => ({ id, what: errorWords(error).what }));
      return { ...texts.catalogue_silent({ registries }), said: null };
    }
    case "unconfined":
      // Its repair stands in a line of its own.
      return { ...texts.unconfined(finding.values), fix: "", said: null };
    default:
      // The compiler does not follow that a code and its values come in pairs.
      return {
        ...(texts[finding.code] as (values: FoundValues[typeof finding.code]) => CheckText)(finding.values),
        said: null,
      };
  }
}
