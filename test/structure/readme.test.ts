import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type GuideBlock, readGuide } from "../../scripts/frameworks/guide.ts";

const FENCE = /^```[a-z]+\n(?<text>\/\/ (?<file>\S+)\n.*?)^```$/gms;
/** What an application writes beside its page and its pod. */
const MAX_LINES = 30;

const guide = await readGuide("docs/next.md");
const first = guide.get("From nothing to a pod") ?? [];

function fileOf(path: string | undefined): GuideBlock | undefined {
  return first.find(({ file }) => file === path);
}

test("the README's files are those of the guide for Next, which CI follows", () => {
  const files = [...readFileSync("README.md", "utf8").matchAll(FENCE)].map(({ groups }) => groups);
  expect(files.map((groups) => groups?.file)).toEqual([
    "lib/atlas.ts",
    "app/api/atlas/[...path]/route.ts",
    "app/page.tsx",
  ]);
  for (const groups of files) expect(groups?.text).toBe(fileOf(groups?.file)?.text);
});

test(`a Next application needs at most ${MAX_LINES} lines beside its page and its pod`, () => {
  const files = ["lib/atlas.ts", "app/api/atlas/[...path]/route.ts", "instrumentation.ts"];
  const lines = files.flatMap((path) => fileOf(path)?.text.trim().split("\n").slice(1) ?? []);
  const code = lines.filter((line) => line.trim() !== "");
  expect(code.length).toBeGreaterThan(20);
  expect(code.length).toBeLessThanOrEqual(MAX_LINES);
});
