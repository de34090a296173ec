import { counted } from "./plural.ts";

export const bundle = {
  title: "From a stick",
  attach: "Attach a bundle",
  hint: "Drop a .hnbundle file here, or choose one. It is copied in and checked; nothing of it runs before you install it.",
  choose: "Choose a bundle",
  progress: (o: { name: string }) => `Sending ${o.name}`,
  checking: "Everything has arrived; it is being checked …",
  attached: (o: { name: string }) => `${o.name} is attached.`,
  failed: (o: { name: string }) => `${o.name} was not attached. Nothing of it was kept.`,
  made: (o: { day: string }) => `Made: ${o.day}`,
  assets: counted("en", "with {n} file for its plugins", "with {n} files for its plugins"),
  catalogue: (o: { registry: string; age: string }) =>
    o.age === "" ? `Catalogue of ${o.registry}` : `Catalogue of ${o.registry}, signed ${o.age}`,
  standing: {
    newer: "newer than what was known",
    same: "as known here",
    older: "older than what is known; not used",
    unknown: "from a registry that this node does not know",
  },
  unusable: "not in this node's catalogue",
  detach: "Detach",
  detachOne: (o: { day: string }) => `Detach the bundle of ${o.day}`,
  detachTitle: "Detach this bundle?",
  detachAsk: (o: { size: string }) => `The copy is deleted, which frees ${o.size}. What was installed from it stays.`,
  detached: "The bundle is detached.",
  old: (o: { age: string }) =>
    `The catalogue is from ${o.age} and has ended: what was withdrawn since is not known here. Nothing newer can be reached.`,
  useOld: "Install from the old catalogue this one time",
};
