const rules = new Map<string, Intl.PluralRules>();

/** A text in one of two forms, by the language's own rule; `{n}` becomes the number. */
export function counted(language: string, one: string, other: string): (n: number) => string {
  return (n) => {
    let rule = rules.get(language);
    if (rule === undefined) rules.set(language, (rule = new Intl.PluralRules(language)));
    const number = new Intl.NumberFormat(language).format(n);
    return (rule.select(n) === "one" ? one : other).replace("{n}", number);
  };
}
