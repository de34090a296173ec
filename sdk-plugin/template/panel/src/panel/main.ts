import { panel } from "@hearthnet/sdk-plugin/panel";
import { wordsIn } from "../words.ts";

const greeting = document.getElementById("greeting") as HTMLElement;
const more = document.getElementById("more") as HTMLElement;
let times = 1;

function show(): void {
  const words = wordsIn(panel.look?.language);
  greeting.textContent = words.greeting(times);
  more.textContent = words.more;
}

more.addEventListener("click", () => {
  times += 1;
  show();
});

// The page around the frame says which language and colours it has, now and after every change.
panel.onTheme(show);
