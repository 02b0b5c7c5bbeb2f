import {
  type Attributes,
  type Context,
  type Counter,
  createNoopMeter,
  metrics,
  type ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type SpanStatus,
  trace,
} from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { scene } from "../support/scene.ts";

/** A span as it was ended. */
interface Ended {
  readonly name: string;
  readonly attributes: Attributes;
  readonly status: SpanStatus | undefined;
}

const spans: Ended[] = [];
const counts: Attributes[] = [];

function startSpan(name: string, { attributes = {} }: SpanOptions = {}): Span {
  const all: Attributes = { ...attributes };
  let status: SpanStatus | undefined;
  const nothing = trace.wrapSpanContext({ traceId: "0", spanId: "0", traceFlags: 0 });
  return Object.assign(Object.create(nothing) as Span, {
    setAttribute: (key: string, value: string) => Object.assign(all, { [key]: value }),
    setStatus: (given: SpanStatus) => {
      status = given;
    },
    end: () => spans.push({ name, attributes: all, status }),
  });
}

function startActiveSpan<Result>(
  name: string,
  options: SpanOptions,
  second: Context | ((span: Span) => Result),
): Result {
  if (typeof second !== "function") throw new Error("this tracer takes no context");
  return second(startSpan(name, options));
}

beforeAll(() => {
  const tracer = { startSpan, startActiveSpan } as unknown as ReturnType<ProxyTracerProvider["getTracer"]>;
  const counter: Counter = { add: (_value, attributes = {}) => counts.push(attributes) };
  const meter = Object.assign(Object.create(createNoopMeter()), { createCounter: () => counter });
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
});

afterAll(() => {
  trace.disable();
  metrics.disable();
});

beforeEach(() => {
  spans.length = 0;
  counts.length = 0;
});

describe("telemetry, where the application has OpenTelemetry", () => {
  test("has a span for a spawn and for every call of a provider, with their outcome", async () => {
    const { spawn } = scene();
    await spawn({ gpu: "h100" });
    expect(
      spans.map(({ name, attributes }) => [name, attributes["atlas.method"], attributes["atlas.outcome"]]),
    ).toEqual([
      ["atlas.provider", "candidates", "ok"],
      ["atlas.provider", "create", "ok"],
      ["atlas.spawn", undefined, "ok"],
    ]);
  });

  test("tells a failure by its code", async () => {
    const { atlas, failure, provider } = scene();
    provider.script("create", "balance");
    await failure(atlas.spawnCompute({ gpu: "h100" }));
    expect(spans.map(({ attributes }) => attributes["atlas.outcome"])).toEqual(["ok", "BILLING", "BILLING"]);
    expect(spans.at(-1)?.status).toMatchObject({ message: "BILLING" });
  });

  test("counts by few labels, and never by an id", async () => {
    const { spawn, reap } = scene();
    await spawn({ gpu: "h100" });
    await reap();
    const labels = new Set(counts.flatMap((attributes) => Object.keys(attributes)));
    expect([...labels].toSorted()).toEqual([
      "atlas.method",
      "atlas.operation",
      "atlas.outcome",
      "atlas.provider",
    ]);
  });

  test("holds no secret", async () => {
    const { spawn } = scene();
    const compute = await spawn({
      gpu: "h100",
      auth: ["bearer", "signed-url"],
      env: { API_KEY: "a-secret-of-the-app" },
    });
    const told = JSON.stringify([spans, counts, ROOT_CONTEXT]);
    expect(told).toContain(compute.id);
    for (const secret of [compute.auth?.token, compute.auth?.signingSecret, "a-secret-of-the-app"])
      expect(told).not.toContain(secret);
  });
});
