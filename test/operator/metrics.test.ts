import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exposition, type Family, OPEN_METRICS } from "../../src/operator/metrics/text.ts";
import { deskUnderTest, vera } from "./desk.ts";

/** Reads an exposition with the parser of the Prometheus client for Python, the reference of the format, which refuses what breaks a rule. */
const READER = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = [{"name": f.name, "type": f.type, "unit": f.unit, "help": f.documentation,
  "samples": [[s.name, s.labels, s.value] for s in f.samples]} for f in text_string_to_metric_families(sys.stdin.read())]
print(json.dumps(families))
`;

interface ReadFamily {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  readonly samples: readonly (readonly [name: string, labels: Record<string, string>, value: number])[];
}

function read(text: string): readonly ReadFamily[] {
  return JSON.parse(execFileSync("/usr/bin/python3", ["-c", READER], { input: text, encoding: "utf8" }));
}

function hasReader(): boolean {
  try {
    execFileSync("/usr/bin/python3", ["-c", "import prometheus_client.openmetrics.parser"], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return process.env.CI === "true";
  }
}

describe.skipIf(!hasReader())("the metrics of the operator page", () => {
  it("tell live computes, their cost and overdue work, and count spawns, boots, refusals, failures and ends", async () => {
    const { atlas, clock, provider, get } = deskUnderTest();
    await get("/metrics", vera);
    provider.script("create", { fault: "delay", seconds: 7 }, "capacity");
    const { id } = await clock.settle(atlas.spawnCompute({ userId: "ann", gpu: "l4", ports: [8000] }));
    await clock.settle(atlas.recordReport(id, "status", { status: "ready" }));
    const second = await clock.settle(atlas.spawnCompute({ userId: "bob", gpu: "h100", ports: [8000] }));
    await clock.settle(atlas.terminate(second.id));
    provider.script("create", "bad-key");
    await expect(clock.settle(atlas.spawnCompute({ gpu: "l4", ports: [8000] }))).rejects.toThrow();
    await clock.advance(90_000);
    const response = await get("/metrics", vera);
    expect(response.headers.get("content-type")).toBe(OPEN_METRICS);
    const families = new Map(read(await response.text()).map((family) => [family.name, family]));
    const samples = (name: string): ReadFamily["samples"] => families.get(name)?.samples ?? [];
    const mock = { provider: "mock" };
    expect(samples("atlas_computes")).toEqual([["atlas_computes", { ...mock, status: "running" }, 1]]);
    expect(samples("atlas_cost_per_hour_dollars")[0]?.[2]).toBe(1);
    expect(samples("atlas_reap_overdue_seconds")[0]?.[2]).toBeGreaterThan(3600);
    expect(samples("atlas_store_owned")).toEqual([["atlas_store_owned", {}, 1]]);
    expect(samples("atlas_spawn_seconds")).toContainEqual([
      "atlas_spawn_seconds_bucket",
      { ...mock, le: "5.0" },
      1,
    ]);
    expect(samples("atlas_spawn_seconds")).toContainEqual([
      "atlas_spawn_seconds_bucket",
      { ...mock, le: "10.0" },
      2,
    ]);
    expect(samples("atlas_spawn_seconds")).toContainEqual(["atlas_spawn_seconds_sum", mock, 7]);
    expect(samples("atlas_boot_seconds")).toContainEqual(["atlas_boot_seconds_count", mock, 1]);
    expect(samples("atlas_refusals")).toEqual([["atlas_refusals_total", { ...mock, code: "CAPACITY" }, 1]]);
    expect(samples("atlas_spawn_failures")).toEqual([
      ["atlas_spawn_failures_total", { ...mock, code: "AUTH_ERROR" }, 1],
    ]);
    expect(samples("atlas_ends")).toEqual([
      ["atlas_ends_total", { ...mock, reason: "requested" }, 1],
      ["atlas_ends_total", { ...mock, reason: "failed" }, 1],
    ]);
  });

  it("count each event once, however many readers come at the same time", async () => {
    const { atlas, clock, get } = deskUnderTest();
    await get("/metrics");
    for (let index = 0; index < 5; index += 1) {
      const { id } = await clock.settle(atlas.spawnCompute({ ports: [8000] }));
      await clock.settle(atlas.terminate(id));
    }
    const texts = await Promise.all([1, 2, 3, 4].map(async () => (await get("/metrics")).text()));
    for (const text of texts)
      expect(text).toContain('atlas_ends_total{provider="mock",reason="requested"} 5');
  });

  it("count from the first reading on, in a store that has events already", async () => {
    const { atlas, clock, get } = deskUnderTest();
    const { id } = await clock.settle(atlas.spawnCompute({ ports: [8000] }));
    await get("/metrics");
    await clock.settle(atlas.terminate(id));
    const text = await (await get("/metrics")).text();
    expect(text).toContain('atlas_ends_total{provider="mock",reason="requested"} 1');
    expect(text).not.toContain("atlas_spawn_seconds_count");
  });

  it("are plain text for a browser, and need an operator", async () => {
    const { get } = deskUnderTest();
    const response = await get("/metrics", { ...vera, accept: "text/html,*/*" });
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect((await get("/metrics", {})).status).toBe(401);
  });

  it("write every label so that the reference parser reads the same", () => {
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom('a"b', "a\\nb", "a\nb", "\\", '\\"', "{}", "# EOF"),
    );
    const families = fc.array(value, { minLength: 1, maxLength: 8 }).map(
      (texts): Family => ({
        ...{ name: "atlas_test", type: "gauge", help: texts[0]?.replaceAll("\r", "") ?? "" },
        samples: [...new Set(texts.map((text) => text.toWellFormed()))].map((text, index) => ({
          ...{ suffix: "", labels: { text }, value: index + 0.5 },
        })),
      }),
    );
    fc.assert(
      fc.property(families, (family) => {
        const [found] = read(exposition([family]));
        const wanted = family.samples.map(({ labels, value: amount }) => ["atlas_test", labels, amount]);
        expect(found?.samples).toEqual(wanted);
      }),
      { numRuns: 25 },
    );
  });
});
