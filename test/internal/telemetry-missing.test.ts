import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.doUnmock("@opentelemetry/api");
  vi.resetModules();
});

test.each([
  ["Node", Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" })],
  [
    "webpack",
    Object.assign(new Error("Cannot find module '@opentelemetry/api'"), { code: "MODULE_NOT_FOUND" }),
  ],
  ["workerd", new Error('No such module "@opentelemetry/api".')],
  ["a browser", new TypeError("Failed to resolve module specifier '@opentelemetry/api'")],
])("work runs without OpenTelemetry where %s does not find it", async (_, failure) => {
  vi.doMock("@opentelemetry/api", () => {
    throw failure;
  });
  const { traced } = await import("../../src/internal/telemetry.ts");
  const work = { name: "spawn", labels: {} };
  expect(await traced(work, async () => "done")).toBe("done");
  expect(await traced(work, async () => "again")).toBe("again");
});
