import { definePlugin } from "@hearthnet/sdk-plugin";
import { greeting } from "./greeting.ts";
import type { Manifest } from "./hn-types.ts";

export default definePlugin<Manifest>({
  async setup(ctx) {
    await ctx.capabilities.register("__PREFIX__.greet@1.0");
  },
  capabilities: {
    "__PREFIX__.greet@1.0": async (req, ctx) => {
      const count = await ctx.kv.increment("greeted");
      return { output: { text: greeting(ctx.config.greeting, req.input.name), count } };
    },
  },
  // The new greeting is read with the next call; nothing has to start anew.
  onConfig: async () => "applied",
});
