export const panels = {
  panel: {
    from: (o: { name: string }) => `This part of the page comes from the plugin ${o.name}. It never needs your password.`,
    skip: "Past the plugin's part",
    end: "End of the plugin's part",
    none: "The plugin has no such page",
    noneWhat: "It may have had one in another version.",
    silent: "The plugin's part does not answer",
    silentWhat: "It did not start, or reacts no more. Everything else on this page goes on working.",
    flooded: "The plugin's part was shut",
    floodedWhat: "It sent more at once than is allowed. Everything else on this page goes on working.",
    again: "Open it anew",
    says: (o: { name: string; text: string }) => `${o.name}: ${o.text}`,
  },
};
