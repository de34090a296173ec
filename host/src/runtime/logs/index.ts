/** What becomes of a plugin's lines before anybody reads them. @source plugin-platform §8.4 */
export { Frames } from "./frames.ts";
export { Hidden } from "./hidden.ts";
