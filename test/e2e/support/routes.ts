/** An address in place of the parts that vary. */
export function addressOf(route: string): string {
  return route
    .replace("[ns]/[name]", "hearthnet/ocr")
    .replace("[capability]", "ocr.image")
    .replace("[panel]", "none")
    .replace("[trace]", "01J9Z3K8V4Q2N7M5C6B1A0XWYT");
}

/** A route as part of a picture's name. */
export function pictureOf(path: string): string {
  return path === "/" ? "home" : path.slice(1).replaceAll("/", "-").replaceAll(/[[\]]/g, "");
}
