import { expect, test } from "vitest";
import { Counter } from "../../src/operator/metrics/counts.ts";

test("a counter keeps 500 combinations of labels, and counts further ones as other", () => {
  const counter = new Counter("atlas_test", "a test");
  for (let round = 0; round < 2; round += 1)
    for (let code = 0; code < 600; code += 1) counter.count({ provider: "mock", code: `code-${code}` });
  const { samples } = counter.family();
  expect(samples).toHaveLength(501);
  expect(samples.find(({ labels }) => labels.code === "code-499")?.value).toBe(2);
  expect(samples.at(-1)).toEqual({
    suffix: "_total",
    labels: { provider: "other", code: "other" },
    value: 200,
  });
});
