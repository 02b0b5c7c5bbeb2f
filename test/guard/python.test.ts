import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

function run(script: string): unknown {
  const path = new URL(script, import.meta.url).pathname;
  return JSON.parse(execFileSync("python3", [path], { encoding: "utf8" }));
}

describe("the Python guard", () => {
  it("agrees with the pinned vectors of tokens, hashes and signed URLs", () => {
    const report = run("run_vectors.py") as { checked: number; failures: string[] };
    expect(report.failures).toEqual([]);
    expect(report.checked).toBeGreaterThan(25);
  });

  it("accepts no bent credential, and never raises", () => {
    const report = run("run_fuzz.py") as { judged: number; accepted: string[]; raised: string[] };
    expect([report.accepted, report.raised]).toEqual([[], []]);
    expect(report.judged).toBeGreaterThan(10_000);
  });

  it("repeats signs of life until they arrive, and accepts the hashes of the answer", () => {
    const beat = (...signs: string[]): unknown => [
      "https://app.example/atlas/pod/heartbeat",
      "pod-token",
      signs,
    ];
    expect(run("run_signs.py")).toEqual({
      unseen: [["answer", "pass"], 0],
      accepted: "pass",
      rotated: "answer",
      sent: [beat("requests"), beat("requests"), beat("requests")],
    });
  });
});
