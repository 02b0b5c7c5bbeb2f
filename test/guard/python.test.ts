import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

it("Python agrees with the pinned vectors of tokens, hashes and signed URLs", () => {
  const runner = new URL("run_vectors.py", import.meta.url).pathname;
  const report: { checked: number; failures: string[] } = JSON.parse(
    execFileSync("python3", [runner], { encoding: "utf8" }),
  );
  expect(report).toEqual({ checked: expect.any(Number), failures: [] });
  expect(report.checked).toBeGreaterThan(25);
});
