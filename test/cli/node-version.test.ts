import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { requireNode } from "../../src/cli/node-version.ts";

test.each(["22.12.0", "22.13.1", "23.0.0", "24.21.0", "100.1.0"])(
  "Node %s runs the command line",
  (version) => {
    expect(() => requireNode(version)).not.toThrow();
  },
);

test.each(["18.20.0", "20.20.2", "22.11.0", "22.9.9", ""])(
  "Node %s is refused by its version, with the one that is needed",
  (version) => {
    expect(() => requireNode(version)).toThrow(/needs Node 22\.12 or newer, and this is Node/);
  },
);

test("the oldest version is that of package.json", () => {
  const { engines } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(engines.node).toBe(">=22.12");
  expect(() => requireNode("22.12.0")).not.toThrow();
});
