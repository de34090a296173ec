"use strict";
/* The page around the frame speaks by messages {v, id, method, params}; the first word is ours. */
const BRIDGE = "hn.panel.v1";
const GREETINGS = { en: "Hello from __TITLE__.", de: "Hallo von __TITLE__." };

/** What the page shows in a language; English where there is no text of its own. */
function greeting(language) {
  return GREETINGS[language] ?? GREETINGS.en;
}

function show(language) {
  document.documentElement.lang = language in GREETINGS ? language : "en";
  document.getElementById("greeting").textContent = greeting(language);
}

addEventListener("message", ({ source, data }) => {
  // Only the page around this frame has anything to say here.
  if (source !== parent || data?.v !== BRIDGE) return;
  if (data.method === "theme") show(data.params?.language ?? "en");
});

show("en");
parent.postMessage({ v: BRIDGE, id: 1, method: "ready", params: {} }, "*");
