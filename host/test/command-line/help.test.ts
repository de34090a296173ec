import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lamp } from "./lamp.ts";

describe("help", () => {
  it("shows every command in one line when none is named", async () => {
    const { code, out } = await lamp();
    assert.equal(code, 0);
    assert.equal(
      out,
      [
        "Lamp: makes light",
        "",
        "Usage: lamp [--house NAME] [--json] COMMAND",
        "",
        "  on ROOM [BULB]   what on does",
        "  off              what off does",
        "  off all [ROOM…]  what off all does",
        "  mend BULB…       what mend does",
        "  shop …           what shop does",
        "  fail HOW         what fail does",
        "  count            what count does",
        "",
        "Each command explains itself with --help. Example: lamp on",
        "",
      ].join("\n"),
    );
    for (const words of [["--help"], ["--json"], ["--house", "hut"]]) assert.equal((await lamp(...words)).out, out);
  });

  it("explains a command with each of its options, whatever else is wrong with the words", async () => {
    const { code, out } = await lamp("on", "--help");
    assert.equal(code, 0);
    assert.equal(
      out,
      [
        "what on does",
        "",
        "Usage: lamp on ROOM [BULB] [options]",
        "",
        "  --colour COLOUR           red or green",
        "  --watts VALUE             how bright",
        "  --dim                     a little only",
        "  --note TEXT               may be repeated",
        "  --house NAME              in which house (env HOUSE)",
        "  --json                    print one JSON value and nothing else",
        "",
        "Example: lamp on example",
        "",
      ].join("\n"),
    );
    for (const words of [
      ["--help", "on"],
      ["on", "a", "b", "c", "--nope", "--help"],
    ])
      assert.equal((await lamp(...words)).out, out);
    assert.match((await lamp("off", "--help")).out, /^Usage: lamp off \[options\]$/m);
  });
});
