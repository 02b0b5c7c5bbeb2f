import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deadLinks } from "../../scripts/links.ts";
import { errorText, helpFor } from "../../src/cli/failure.ts";
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

test.each(atlasErrorCodes)("the section about %s has the cause, the remedy and an example", (code) => {
  const text = readFileSync("docs/errors.md", "utf8");
  const [, section = ""] = text.split(new RegExp(`^### ${code}$`, "m"));
  const [own = ""] = section.split(/^##/m);
  expect(own).toMatch(/\*\*Cause\.\*\* .{40,}\*\*What to do\.\*\* .{40,}```text\n.{20,}\n```/s);
});

test("the reference to each section resolves, in the package as it is installed", () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-errors-"));
  const references = atlasErrorCodes.map((code) => `[${code}](${helpFor(code)})`);
  cpSync("docs/errors.md", join(folder, "docs/errors.md"));
  writeFileSync(join(folder, "references.md"), references.join("\n"));
  expect(deadLinks(folder, ["references.md"])).toEqual([]);
  writeFileSync(join(folder, "references.md"), "[none](docs/errors.md#no_such_code)");
  expect(deadLinks(folder, ["references.md"])).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test("the command line refers to the section about the code, in words and in JSON", () => {
  const error = new AtlasError("AUTH_ERROR", "runpod: the key was rejected");
  expect(errorText(error, false)).toBe(
    "runpod: the key was rejected\n(AUTH_ERROR: see docs/errors.md#auth_error)\n",
  );
  expect(JSON.parse(errorText(error, true))).toMatchObject({
    code: "AUTH_ERROR",
    help: "docs/errors.md#auth_error",
  });
});
