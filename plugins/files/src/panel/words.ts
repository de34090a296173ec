/** What the panel says, in both languages. */
export interface Words {
  title: string;
  used(mebibytes: number, files: number): string;
  open: string;
  openWithPassphrase: string;
  locked: string;
  converting(left: number): string;
  passphrase: string;
  unlock: string;
  present: string;
  next: string;
  nextHint: string;
  change: string;
  wrong: string;
  changed: string;
  unlocked: string;
}

const EN: Words = {
  title: "File store",
  used: (mebibytes, files) => `${files} files, ${mebibytes} MB.`,
  open: "Private files open with this node alone.",
  openWithPassphrase: "Private files are open until the plugin is started anew; then they need the passphrase.",
  locked: "Private files are locked.",
  converting: (left) => `${left} files and pieces are still to be brought into the form of the settings.`,
  passphrase: "Passphrase",
  unlock: "Open private files",
  present: "Present passphrase (empty: there is none)",
  next: "New passphrase",
  nextHint: "Empty: none from now on. Nobody can open private files without a passphrase that is lost.",
  change: "Change passphrase",
  wrong: "This passphrase is not the right one.",
  changed: "The passphrase was changed.",
  unlocked: "Private files are open.",
};

const DE: Words = {
  title: "Dateispeicher",
  used: (mebibytes, files) => `${files} Dateien, ${mebibytes} MB.`,
  open: "Private Dateien öffnet dieser Knoten allein.",
  openWithPassphrase: "Private Dateien sind offen, bis das Plugin neu startet; dann brauchen sie die Passphrase.",
  locked: "Private Dateien sind verschlossen.",
  converting: (left) => `${left} Dateien und Stücke sind noch in die Form der Einstellungen zu bringen.`,
  passphrase: "Passphrase",
  unlock: "Private Dateien öffnen",
  present: "Jetzige Passphrase (leer: es gibt keine)",
  next: "Neue Passphrase",
  nextHint: "Leer: von nun an keine. Ohne eine verlorene Passphrase kann niemand private Dateien öffnen.",
  change: "Passphrase ändern",
  wrong: "Das ist nicht die richtige Passphrase.",
  changed: "Die Passphrase wurde geändert.",
  unlocked: "Private Dateien sind offen.",
};

export function wordsIn(language: string): Words {
  return language === "de" ? DE : EN;
}
