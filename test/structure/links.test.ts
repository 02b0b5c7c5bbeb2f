import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deadLinks } from "../../scripts/links.ts";

test("every relative link of the documentation leads to a file and a heading of the repository", () => {
  expect(deadLinks(".", ["*.md", "docs/**/*.md", "examples/**/*.md", "pod/**/*.md"])).toEqual([]);
});

test("a link to a missing file, a missing heading and a place outside is reported; one in code is not", () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-links-"));
  const text =
    "# The head\n[a](b.md) [c](#the-head) [d](#other) [e](../f.md) [g](https://example.org) `[h](i.md)`\n";
  writeFileSync(join(folder, "README.md"), text);
  expect(deadLinks(folder, ["*.md"])).toEqual([
    "README.md: the link b.md leads to no file",
    "README.md: the link #other leads to no heading",
    "README.md: the link ../f.md leaves the package",
  ]);
});
