/** Everything that the page of one compute shows. */
import type { ComputeSnapshot } from "../compute-json.ts";
import type { CandidateRefusal } from "../errors.ts";
import { withoutPrintedSecrets } from "../internal/printed-secrets.ts";
import { within } from "../internal/within.ts";
import type { ComputeEvent } from "../store.ts";
import { type GpuHistory, gpuHistories } from "./gpu-health.ts";
import type { Desk } from "./options.ts";

/** The data of the page. */
export interface ComputeData {
  readonly compute: ComputeSnapshot;
  readonly now: Date;
  /** The last report of each kind, as the pod sent it. */
  readonly reports: Readonly<Record<string, unknown>>;
  /** Newest first. */
  readonly events: readonly ComputeEvent[];
  readonly refused: readonly CandidateRefusal[];
  readonly gpus: readonly GpuHistory[];
  readonly logs: Logs;
}

/** The last log lines, oldest first, or the reason why there are none. */
export interface Logs {
  readonly lines: readonly string[];
  readonly failure?: string;
}

const EVENTS = 1000;
const LOG_LINES = 100;
const LOG_SECONDS = 3;

/** Reads the data. The logs may fail, or take too long, without the rest. @throws NOT_FOUND */
export async function readCompute(desk: Desk, id: string): Promise<ComputeData> {
  const compute = await desk.atlas.getCompute(id);
  const [events, logs] = await Promise.all([
    Array.fromAsync(desk.atlas.events(id, { tail: EVENTS, follow: false })),
    readLogs(desk, id),
  ]);
  const snapshot = compute.snapshot();
  return {
    compute: snapshot,
    now: new Date(snapshot.now),
    reports: compute.reports,
    events: events.toReversed(),
    refused: events.flatMap(({ data }) => refusalsOf(data)),
    gpus: gpuHistories(events),
    logs,
  };
}

async function readLogs({ atlas, clock }: Desk, id: string): Promise<Logs> {
  const error = (): Error => new Error(`the provider did not answer within ${LOG_SECONDS} s`);
  try {
    const lines = await within({ clock, seconds: LOG_SECONDS, error }, (signal) =>
      Array.fromAsync(atlas.logs(id, { tail: LOG_LINES, signal }), ({ line }) => line),
    );
    return { lines: cleaned(lines.slice(-LOG_LINES)) };
  } catch (failure) {
    if (failure instanceof Error) return { lines: [], failure: failure.message };
    throw failure;
  }
}

function cleaned(lines: readonly string[]): readonly string[] {
  const { lines: without } = withoutPrintedSecrets({ lines }, undefined);
  return Array.isArray(without) ? without.map(String) : [];
}

/** The refusals in an event's data, which the lifecycle wrote there. */
export function refusalsOf({ refused }: Readonly<Record<string, unknown>>): readonly CandidateRefusal[] {
  return Array.isArray(refused) ? refused.filter(isRefusal) : [];
}

function isRefusal(value: unknown): value is CandidateRefusal {
  if (typeof value !== "object" || value === null) return false;
  const { provider, code, reason }: Partial<Record<keyof CandidateRefusal, unknown>> = value;
  return [provider, code, reason].every((text) => typeof text === "string");
}
