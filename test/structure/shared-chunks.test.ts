import type { Metafile } from "esbuild";
import { describe, expect, it } from "vitest";
import { groupsOf } from "../../scripts/shared-chunks.ts";

/** A file of a build: the modules in it, the files that it imports, and the source with which it begins. */
function output(
  modules: Readonly<Record<string, number>>,
  imports: readonly string[],
  entryPoint?: string,
): Metafile["outputs"][string] {
  return {
    bytes: 1,
    exports: [],
    imports: imports.map((path) => ({ path, kind: "import-statement" })),
    inputs: Object.fromEntries(
      Object.entries(modules).map(([module, bytes]) => [module, { bytesInOutput: bytes }]),
    ),
    ...(entryPoint !== undefined && { entryPoint }),
  };
}

const lazy: Metafile["outputs"][string]["imports"][number] = {
  path: "dist/lazy.js",
  kind: "dynamic-import",
};
const client = output({ "src/a.ts": 9, "src/only-a.ts": 9 }, ["dist/both.js", "dist/all.js"], "src/a.ts");
const metafile: Metafile = {
  inputs: {},
  outputs: {
    "dist/a.js": { ...client, imports: [...client.imports, lazy] },
    "dist/b.js": output({ "src/b.ts": 9 }, ["dist/both.js"], "src/b.ts"),
    "dist/c.js": output({ "src/c.ts": 9 }, ["dist/all.js"], "src/c.ts"),
    "dist/lazy.js": output({ "src/lazy.ts": 9 }, ["dist/later.js"], "src/lazy.ts"),
    "dist/both.js": output({ "src/both.ts": 9, "src/types.ts": 0 }, ["dist/all.js"]),
    "dist/later.js": output({ "src/later.ts": 9 }, []),
    "dist/all.js": output({ "src/all.ts": 9, "node_modules/zod/index.js": 9 }, []),
  },
};

describe("the groups of shared modules", () => {
  it("hold what several entry points load at their import, each module once", () => {
    const groups = groupsOf(metafile, [
      { sources: ["src/a.ts", "src/b.ts", "src/c.ts"], by: "all" },
      { sources: ["src/a.ts", "src/b.ts"], by: "any" },
    ]);
    expect(groups.map((group) => [...group])).toEqual([["src/all.ts"], ["src/both.ts"]]);
  });

  it("refuse a tier of a module with which no file begins", () => {
    const tiers = [{ sources: ["src/both.ts"], by: "any" }] as const;
    expect(() => groupsOf(metafile, tiers)).toThrow("src/both.ts is no entry point of this build");
  });
});
