import type { panels as en } from "./en.panels.ts";

export const panels = {
  panel: {
    from: (o: { name: string }) => `Dieser Teil der Seite kommt vom Plugin ${o.name}. Er braucht nie dein Passwort.`,
    skip: "Am Teil des Plugins vorbei",
    end: "Ende des Teils vom Plugin",
    none: "Das Plugin hat keine solche Seite",
    noneWhat: "Vielleicht hatte es sie in einer anderen Version.",
    silent: "Der Teil des Plugins antwortet nicht",
    silentWhat: "Er ist nicht gestartet oder reagiert nicht mehr. Alles andere auf dieser Seite geht weiter.",
    flooded: "Der Teil des Plugins wurde geschlossen",
    floodedWhat: "Er hat mehr auf einmal gesendet, als erlaubt ist. Alles andere auf dieser Seite geht weiter.",
    again: "Neu öffnen",
    says: (o: { name: string; text: string }) => `${o.name}: ${o.text}`,
  },
} satisfies typeof en;
