import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { AtlasError, atlasErrorCodes } from "../../src/errors.ts";

/** The rows of the table of codes: code, meaning, HTTP status, and the default of `retryable`. */
function documented(): readonly string[][] {
  const lines = readFileSync("docs/errors.md", "utf8").split("\n");
  const rows = lines.filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, 6)
      .map((cell) => cell.trim()),
  );
}

test("the documentation lists every code with its meaning, status and default, in order", () => {
  const actual = atlasErrorCodes.map((code) => {
    const { title, status, retryable } = new AtlasError(code, "").toProblem();
    return [`\`${code}\``, title, `${status}`, retryable ? "yes" : "no"];
  });
  expect(documented().map((row) => row.slice(0, 4))).toEqual(actual);
});

test("the documentation advises on every code", () => {
  const silent = documented().filter((row) => (row[4] ?? "").length < 10);
  expect(silent).toEqual([]);
});
