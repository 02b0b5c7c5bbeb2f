import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { pruneDeclarations } from "../../scripts/declarations.ts";

/** A folder with these declarations. */
function declarations(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "atlas-declarations-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

test("declarations that an entry imports, re-exports or mentions in a type stay; others are deleted", () => {
  const folder = declarations({
    "index.d.ts": 'import type { A } from "./a.js";\nexport * from "./deep/b.js";\nexport type X = A;\n',
    "a.d.ts": 'export type A = import("./c.js").C;\n',
    "deep/b.d.ts": 'export type { D } from "../d.js";\nexport type { Hono } from "hono";\n',
    "c.d.ts": "export type C = 1;\n",
    "d.d.ts": "export type D = 1;\n",
    "deep/unreached.d.ts": 'import type { A } from "../a.js";\nexport type U = A;\n',
  });
  expect(pruneDeclarations(folder, [join(folder, "index.d.ts")])).toBe(5);
  expect(["a", "deep/b", "c", "d"].filter((name) => !existsSync(join(folder, `${name}.d.ts`)))).toEqual([]);
  expect(existsSync(join(folder, "deep/unreached.d.ts"))).toBe(false);
});

test("a declaration that mentions a missing file fails the build", () => {
  const folder = declarations({ "index.d.ts": 'export * from "./gone.js";\n' });
  expect(() => pruneDeclarations(folder, [join(folder, "index.d.ts")])).toThrow("mentions ./gone.js");
});
