import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { version } from "../../src/internal/user-agent.ts";

function run(script: string): unknown {
  const path = new URL(script, import.meta.url).pathname;
  return JSON.parse(execFileSync("python3", [path], { encoding: "utf8" }));
}

describe("the Python guard", () => {
  it("agrees with the pinned vectors of tokens, signed URLs, prefixes, opening links, and with every row of the cookie rule", () => {
    const report = run("run_vectors.py") as { checked: number; failures: string[] };
    expect(report.failures).toEqual([]);
    expect(report.checked).toBeGreaterThan(500);
  });

  it("accepts no bent credential, and never raises", () => {
    const report = run("run_fuzz.py") as { judged: number; accepted: string[]; raised: string[] };
    expect([report.accepted, report.raised]).toEqual([[], []]);
    expect(report.judged).toBeGreaterThan(10_000);
  });
});

describe("the version of the Python guard", () => {
  it("is that of the package", () => {
    const file = readFileSync(new URL("../../pod/python/atlas_guard.py", import.meta.url), "utf8");
    expect(/^__version__ = "(.*)"$/m.exec(file)?.[1]).toBe(version);
  });
});

describe("what the Python guard learns from its control plane", () => {
  const found = run("run_control_plane.py") as Record<string, string | null>;

  it.each(Object.entries(found))("%s", (_, failure) => {
    expect(failure).toBeNull();
  });

  it("is tested at all", () => {
    expect(Object.keys(found).length).toBeGreaterThan(20);
  });
});
