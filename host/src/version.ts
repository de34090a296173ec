import manifest from "../package.json" with { type: "json" };

/** Of this host; what a plugin's `engines.hearthnet` is compared with. */
export const VERSION: string = manifest.version;
