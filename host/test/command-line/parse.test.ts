import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lamp } from "./lamp.ts";

/** What a command got, of words that are right. */
async function got(...words: string[]): Promise<Record<string, unknown>> {
  const said = await lamp(...words, "--json");
  assert.equal(said.code, 0, said.out);
  return said.json;
}

describe("the words of a command line", () => {
  it("name a command, the longest name first; what follows are its arguments", async () => {
    assert.deepEqual(await got("on", "hall"), { args: ["hall"], options: {}, house: "home" });
    assert.deepEqual((await got("on", "hall", "2"))["args"], ["hall", "2"]);
    assert.deepEqual((await got("off"))["args"], []);
    assert.deepEqual((await got("off", "all"))["args"], []);
    assert.deepEqual((await got("off", "all", "hall", "attic", "off"))["args"], ["hall", "attic", "off"]);
    assert.deepEqual((await got("mend", "1", "2", "3"))["args"], ["1", "2", "3"]);
  });

  it("take options anywhere after the name, and global ones before it as well", async () => {
    const options = { colour: "red", dim: true, note: ["a", "b"] };
    assert.deepEqual((await got("on", "--colour", "red", "hall", "--dim", "--note=a", "--note", "b"))["options"], options);
    for (const words of [
      ["--house", "on", "on", "hall"],
      ["--house=on", "on", "hall"],
      ["on", "--house", "on", "hall"],
      ["on", "hall", "--house", "on"],
    ]) {
      const { house, args } = await got("--json", ...words);
      assert.deepEqual({ house, args }, { house: "on", args: ["hall"] }, words.join(" "));
    }
  });

  it("are no options after --", async () => {
    const said = await lamp("mend", "--", "--json", "--help", "--nope");
    assert.deepEqual([said.code, said.out], [0, "--json --help --nope in home\n"]);
    assert.equal((await lamp("--", "on", "hall")).out, (await lamp()).out, "nothing before it names no command");
  });

  it("are handed on unread, help included, where the name says so", async () => {
    const { args } = await got("shop", "bulbs", "--nope", "--help", "x");
    assert.deepEqual(args, ["bulbs", "--nope", "--help", "x", "--json"]);
  });
});

describe("wrong words", () => {
  const WRONG: [words: string[], told: RegExp][] = [
    [["onn"], /There is no command "onn"\./],
    [["onn", "--help"], /There is no command "onn"\./],
    [["offf", "all", "hall", "attic"], /There is no command "offf all"\./],
    [["--house", "hut", "onn"], /There is no command "onn"\./],
    [[""], /There is no command ""\./],
    [["on"], /^ROOM is missing\. Example: lamp on example/],
    [["mend"], /^BULB… is missing\. Example: lamp mend example/],
    [["on", "hall", "2", "3"], /^"3" is one argument too many\. Example: lamp on example/],
    [["off", "hall"], /^"hall" is one argument too many\. Example: lamp off example/],
    [["off", "--dim", "all"], /--dim.* See: lamp off --help/],
    [["off", "--json=x", "all"], /--json.* See: lamp off --help/],
    [["on", "hall", "--nope"], /^Unknown option '--nope'\. See: lamp on --help/],
    [["off", "all", "--dim"], /--dim.* See: lamp off all --help/],
    [["on", "hall", "--colour"], /^Option '--colour <value>' argument missing\. See: lamp on --help/],
    [["on", "hall", "--colour", "--dim"], /^Option '--colour' argument is ambiguous\. See: lamp on --help/],
    [["on", "hall", "--dim=yes"], /--dim.* See: lamp on --help/],
  ];
  for (const [words, told] of WRONG)
    it(`are told and cost exit code 2: lamp ${words.join(" ")}`, async () => {
      const said = await lamp(...words);
      assert.deepEqual([said.code, said.out], [2, ""]);
      assert.match(said.err, told);
      assert.match(said.err, / \(bad_request, usage\)\nSee `lamp --help`\.\n$/);
    });
});
