/** Waiting until a compute is ready: its instance runs, and its port answers. */
import * as z from "zod/mini";
import { AtlasError } from "../errors.ts";
import { backoffSeconds } from "../internal/backoff.ts";
import { signalField } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { pause } from "../internal/pause.ts";
import type { Port, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import type { Context, Phase, Progress } from "./context.ts";
import type { ExpectedAnswer } from "./expect.ts";
import { expectField } from "./expect-field.ts";
import { isPassing } from "./failures.ts";
import { onProgressField, reporter } from "./listeners.ts";
import { lastLines, withLines } from "./looks/last-lines.ts";
import { type Interest, looksOf } from "./looks/looks.ts";
import { probePort } from "./probe.ts";
import { providerOf } from "./providers.ts";
import { loadRecord } from "./record/change.ts";
import { hasBegunToEnd } from "./record/facts.ts";
import { touchedPatch } from "./record/patch.ts";
import { after } from "./record/time.ts";
import { isPassingOfStore, throughStoreFailures, writeBack } from "./record/write-back.ts";
import type { ComputeSecrets } from "./spawn/secrets.ts";

/** Options of a wait. */
export interface WaitOptions {
  /** The path that must answer with a success. Without one, any answer of the pod itself counts. */
  readonly path?: string | undefined;
  /** The answer that proves that the pod is ready, where a success is not enough. */
  readonly expect?: ExpectedAnswer | undefined;
  /** The port to ask. @default the first http port that was requested */
  readonly port?: number | undefined;
  /** The most seconds to wait. @default the provider's time for a boot */
  readonly timeoutSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called at each step of the wait. An error that it throws is logged. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const FIELDS = {
  path: optional(field(z.string().check(z.regex(/^\/\S*$/)), 'a path that begins with "/"')),
  port: optional(field(z.int().check(z.minimum(1), z.maximum(65_535)), "a port that was requested")),
  timeoutSeconds: optional(
    field(z.number().check(z.positive(), z.maximum(86_400)), "seconds, more than 0 and up to 86400"),
  ),
  expect: expectField,
  signal: signalField,
  onProgress: onProgressField,
};

/** The pauses between two probes of the pod's port. */
const PAUSE = { firstSeconds: 0.25, maxSeconds: 3 };
/** The longest time without reading the record again, which another process may have changed. */
const RELOAD_SECONDS = 3;
const EVENTS = 1000;

/** One wait under way. */
interface Wait {
  readonly context: Context;
  readonly id: string;
  readonly provider: Provider;
  readonly secrets: ComputeSecrets;
  readonly path: string | undefined;
  readonly port: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly expect: ExpectedAnswer | undefined;
  readonly report: (phase: Phase, message: string) => void;
}

/** Waits; see `Compute.waitUntilReady`. A token of the caller opens the guard. */
export async function waitUntilReady(
  context: Context,
  record: ComputeRecord,
  secrets: ComputeSecrets,
  input: WaitOptions = {},
): Promise<ComputeRecord> {
  const { path, port, signal, timeoutSeconds, onProgress, expect } = parseFields(
    "The options of waitUntilReady",
    FIELDS,
    input,
  );
  const provider = providerOf(context, record);
  const tell = reporter(context, onProgress);
  const report: Wait["report"] = (phase, message) => tell(phase, message, record);
  const wait: Wait = { context, id: record.id, provider, secrets, path, port, signal, report, expect };
  portToAsk(wait, record);
  signal?.throwIfAborted();
  if (timeoutSeconds !== undefined) await raiseBootTimeout(wait, timeoutSeconds);
  const limit = timeoutSeconds ?? record.bootTimeoutSeconds ?? provider.bootTimeoutSeconds;
  using interest = looksOf(context, provider).follow(record.id);
  await throughStoreFailures(context, record.id, async () => {
    // A record may say that it runs and be minutes old.
    if ((await loadRecord(context, record.id)).record.status === "running")
      await looksOf(context, provider).lookNow(record.id);
  });
  // Awaited here, because the interest ends when this function returns.
  return await waitWith(wait, interest, limit);
}

/** Tries after each look, and while the instance runs after each pause, until the time is over. */
async function waitWith(wait: Wait, interest: Interest, limit: number): Promise<ComputeRecord> {
  const { context, signal } = wait;
  const begin = context.clock.now().getTime();
  let probes = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { error } = interest;
    if (error !== undefined && !isPassing(error) && !isPassingOfStore(error)) throw error;
    const step = await tryOnce(wait, error?.message).catch(stepWithoutStore);
    if (step.ready) return answered(wait, step.record);
    const left = limit - (context.clock.now().getTime() - begin) / 1000;
    if (left <= 0) throw await tooLate(wait, limit, step.message);
    if (step.isRunning) await pause(context.clock, Math.min(backoffSeconds(PAUSE, probes++), left), signal);
    else await interest.next(Math.min(left, RELOAD_SECONDS), signal);
  }
}

/** A caller that waits longer than the compute may boot wants it to boot that long. */
async function raiseBootTimeout({ context, id, provider }: Wait, seconds: number): Promise<void> {
  await writeBack(context, id, (record, now) => {
    const { bootTimeoutSeconds, bootDeadline, placedAt, createdAt, actedAt } = record;
    const since = actedAt ?? placedAt ?? createdAt;
    const wanted = Math.ceil((now.getTime() - since.getTime()) / 1000 + seconds);
    if (hasBegunToEnd(record.status) || record.answeredAt !== null) return undefined;
    if (wanted <= (bootTimeoutSeconds ?? provider.bootTimeoutSeconds)) return undefined;
    const deadline = after(now, seconds);
    const isLater = bootDeadline !== null && deadline > bootDeadline;
    return { patch: { bootTimeoutSeconds: wanted, ...(isLater && { bootDeadline: deadline }) } };
  });
}

/** Notes the first answer of the pod, which is a sign of life. */
function answered({ context, id }: Wait, ready: ComputeRecord): Promise<ComputeRecord> | ComputeRecord {
  if (ready.answeredAt !== null) return ready;
  return writeBack(context, id, (record, now) =>
    record.status === "running" && record.answeredAt === null
      ? { patch: { ...touchedPatch(record, now), answeredAt: now } }
      : undefined,
  );
}

/** The result of one try. */
type Step =
  | { readonly ready: true; readonly record: ComputeRecord }
  | { readonly ready: false; readonly message: string; readonly isRunning: boolean };

/** A wait may take the better part of an hour, and outlives a restart of the database. */
function stepWithoutStore(error: unknown): Step {
  if (!isPassingOfStore(error)) throw error;
  return { ready: false, message: error.message, isRunning: false };
}

async function tryOnce(wait: Wait, failure: string | undefined): Promise<Step> {
  const { provider, report } = wait;
  const record = await recordToWaitFor(wait);
  if (record.status !== "running") {
    const message = failure ?? record.lastError ?? `${provider.name} says ${record.status}`;
    report("provisioning", message);
    return { ready: false, message, isRunning: false };
  }
  const port = portToAsk(wait, record);
  const probe = { ...wait, token: wait.secrets.token };
  const answer = port === undefined ? stateAsAnswer(wait, record) : await probePort(probe, record, port);
  report(answer.ready ? "ready" : "starting", answer.message);
  return answer.ready ? { ready: true, record } : { ready: false, message: answer.message, isRunning: true };
}

/** The answer of a compute without a port to ask: its provider says that it runs, and the last look has not missed it. */
function stateAsAnswer(
  { provider }: Wait,
  { absentSince }: ComputeRecord,
): { ready: boolean; message: string } {
  if (absentSince === null) return { ready: true, message: "it runs" };
  return { ready: false, message: `${provider.name} does not show its instance` };
}

/** The record as the looks left it: they end a compute whose instance is gone. @throws BOOT_FAILED when it ends, CONFLICT when it is stopped */
async function recordToWaitFor(wait: Wait): Promise<ComputeRecord> {
  const { context, id } = wait;
  const { record } = await loadRecord(context, id);
  if (record.status === "stopped")
    throw new AtlasError("CONFLICT", `compute ${id} is stopped: start it first`, { computeId: id });
  if (hasBegunToEnd(record.status)) throw await bootFailed(wait, record);
  return record;
}

function portToAsk({ id, port }: Wait, { ports }: ComputeRecord): Port | undefined {
  const found = ports.find(({ internal, protocol }) =>
    port === undefined ? protocol === "http" : internal === port,
  );
  if (found !== undefined || port === undefined) return found;
  const asked = ports.map(({ internal }) => internal).join(", ") || "none";
  throw new AtlasError("VALIDATION", `port ${port} of compute ${id} was not requested; its ports: ${asked}`, {
    computeId: id,
  });
}

async function bootFailed(wait: Wait, record: ComputeRecord): Promise<AtlasError> {
  const { provider, id } = wait;
  const isGone = record.reason === "vanished";
  const reason = isGone ? "its instance is gone" : (record.lastError ?? record.reason ?? record.status);
  return withLogs(wait, "BOOT_FAILED", `compute ${id} on ${provider.name} did not come up: ${reason}`);
}

async function tooLate(wait: Wait, limit: number, message: string): Promise<AtlasError> {
  const { id, provider } = wait;
  return withLogs(
    wait,
    "TIMEOUT",
    `compute ${id} on ${provider.name} was not ready after ${limit} seconds (${message}); it goes on running until it is terminated`,
  );
}

async function withLogs(wait: Wait, code: "BOOT_FAILED" | "TIMEOUT", message: string): Promise<AtlasError> {
  const logs = await logsOf(wait);
  return new AtlasError(code, withLines(message, logs), {
    provider: wait.provider.name,
    computeId: wait.id,
    details: { logs },
  });
}

/** The last lines, from the event of its end where the provider has them no more. */
async function logsOf({ context, id, secrets }: Wait): Promise<readonly string[]> {
  const { store, namespace } = context;
  const { record } = await loadRecord(context, id);
  const lines = await lastLines(context, record, Object.values(secrets));
  if (lines.length > 0 || !hasBegunToEnd(record.status)) return lines;
  const events = await store.events({ namespace, computeId: id }, EVENTS);
  const told = events.findLast(({ data }) => Array.isArray(data.logs))?.data.logs;
  return Array.isArray(told) ? told.filter((line) => typeof line === "string") : [];
}
