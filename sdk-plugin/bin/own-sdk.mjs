/** Loaded before an author's tests: a plugin that lies outside any installation of the SDK is tested with the one that runs its tests. */
import { registerHooks } from "node:module";

const OWN = {
  "@hearthnet/sdk-plugin": "../dist/index.mjs",
  "@hearthnet/sdk-plugin/testing": "../dist/testing.mjs",
};

registerHooks({
  resolve(specifier, context, next) {
    const own = OWN[specifier];
    if (own === undefined) return next(specifier, context);
    try {
      return next(specifier, context);
    } catch {
      return next(new URL(own, import.meta.url).href, context);
    }
  },
});
