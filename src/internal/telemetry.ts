/**
 * Spans and metrics through `@opentelemetry/api`, where the application has it. Attributes are names, codes and ids: no secret, no URL.
 */
import type { Meter, Span, SpanStatusCode, Tracer } from "@opentelemetry/api";
import { isAtlasError } from "../errors.ts";

/** A piece of work to measure. */
export interface Measured {
  /** The span is called `atlas.<name>`. */
  readonly name: string;
  /** On the span and on its metrics: few values each. */
  readonly labels: Readonly<Record<string, string>>;
  /** On the span alone: ids. */
  readonly ids?: Readonly<Record<string, string | undefined>>;
}

interface Instruments {
  readonly tracer: Tracer;
  readonly calls: ReturnType<Meter["createCounter"]>;
  readonly seconds: ReturnType<Meter["createHistogram"]>;
  readonly failed: SpanStatusCode;
}

const SCOPE = "atlas-compute";
let loading: Promise<Instruments | undefined> | undefined;

/** Runs a piece of work in a span, and counts and times it by its labels and outcome: `ok`, or an error's code. */
export async function traced<Result>(work: Measured, run: () => Promise<Result>): Promise<Result> {
  loading ??= load();
  const instruments = await loading;
  if (instruments === undefined) return run();
  const { name, labels, ids = {} } = work;
  return instruments.tracer.startActiveSpan(`atlas.${name}`, { attributes: { ...labels, ...ids } }, (span) =>
    measured(instruments, span, { ...labels, "atlas.operation": name }, run),
  );
}

async function measured<Result>(
  instruments: Instruments,
  span: Span,
  labels: Readonly<Record<string, string>>,
  run: () => Promise<Result>,
): Promise<Result> {
  const begin = performance.now();
  let outcome = "ok";
  try {
    return await run();
  } catch (error) {
    outcome = isAtlasError(error) ? error.code : "error";
    span.setStatus({ code: instruments.failed, message: outcome });
    throw error;
  } finally {
    span.setAttribute("atlas.outcome", outcome);
    span.end();
    const counted = { ...labels, "atlas.outcome": outcome };
    instruments.calls.add(1, counted);
    instruments.seconds.record((performance.now() - begin) / 1000, counted);
  }
}

async function load(): Promise<Instruments | undefined> {
  const api = await loadApi();
  if (api === undefined) return undefined;
  const { metrics, SpanStatusCode, trace } = api;
  const meter = metrics.getMeter(SCOPE);
  return {
    tracer: trace.getTracer(SCOPE),
    calls: meter.createCounter("atlas.operations", { description: "Finished operations by outcome" }),
    seconds: meter.createHistogram("atlas.operation.duration", {
      unit: "s",
      description: "Duration of operations",
    }),
    failed: SpanStatusCode.ERROR,
  };
}

/**
 * OpenTelemetry, where the application has it. Node, bundlers and other runtimes each reject the import of a missing package with an
 * error of their own, so that every rejection counts as missing: no operation may fail because of telemetry. Bundlers read the `try` as
 * a sign that the package is optional.
 */
async function loadApi(): Promise<typeof import("@opentelemetry/api") | undefined> {
  try {
    return await import("@opentelemetry/api");
  } catch {
    return undefined;
  }
}
