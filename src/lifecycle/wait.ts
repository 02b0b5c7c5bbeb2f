/** Waiting until a compute can be used: its instance runs, and its port really answers. */
import * as z from "zod/mini";
import { AtlasError, type AtlasErrorCode, isAtlasError } from "../errors.ts";
import { callable, signalField } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { pause } from "../internal/pause.ts";
import { redact } from "../internal/redact.ts";
import type { Instance, LogLine, Port, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import { callProvider } from "./call.ts";
import { type Context, type Phase, type Progress, providerOf } from "./context.ts";
import { endCompute } from "./end.ts";
import { absenceProvenFrom, lookUp, referenceOf } from "./find-instance.ts";
import { isReady } from "./probe.ts";
import { reporter } from "./progress.ts";
import { changeRecord, isEnded, loadRecord } from "./record/change.ts";
import { isNews, observed } from "./record/observe.ts";
import type { ComputeSecrets } from "./spawn/secrets.ts";

/** What to wait for, and how long. */
export interface WaitOptions {
  /** Path that must answer with a success; omitted: any answer of the pod itself will do. */
  readonly path?: string | undefined;
  /** Port to ask; default: the first http port that was requested. */
  readonly port?: number | undefined;
  /** Seconds to wait at most; default: what the provider needs for a boot. */
  readonly timeoutSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears how far it has got. What it throws is logged. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const FIELDS = {
  path: optional(field(z.string().check(z.regex(/^\/\S*$/)), 'a path that begins with "/"')),
  port: optional(field(z.int().check(z.minimum(1), z.maximum(65_535)), "a port that was requested")),
  timeoutSeconds: optional(
    field(z.number().check(z.positive(), z.maximum(86_400)), "seconds, more than 0 and up to 86400"),
  ),
  signal: signalField,
  onProgress: optional(field(callable<(progress: Progress) => void>(), "a function")),
};

const FIRST_PAUSE_SECONDS = 0.1;
const MAX_PAUSE_SECONDS = 3;
const LOG_LINES = 20;

/** One wait under way. */
interface Wait {
  readonly context: Context;
  readonly id: string;
  readonly provider: Provider;
  readonly secrets: ComputeSecrets;
  readonly path: string | undefined;
  readonly port: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly report: (phase: Phase, message: string) => void;
}

/** Waits; see `Compute.waitUntilReady`. The token, where the caller has it, opens the guard. */
export async function waitUntilReady(
  context: Context,
  record: ComputeRecord,
  secrets: ComputeSecrets,
  input: WaitOptions = {},
): Promise<ComputeRecord> {
  const { path, port, signal, timeoutSeconds, onProgress } = parseFields(
    "The options of waitUntilReady",
    FIELDS,
    input,
  );
  const provider = providerOf(context, record);
  const begin = context.clock.now().getTime();
  const elapsed = (): number => (context.clock.now().getTime() - begin) / 1000;
  const tell = reporter(context, onProgress);
  const report: Wait["report"] = (phase, message) => tell(phase, message, record);
  const wait: Wait = { context, id: record.id, provider, secrets, path, port, signal, report };
  portToAsk(wait, record);
  const limit = timeoutSeconds ?? provider.bootTimeoutSeconds;
  let seconds = FIRST_PAUSE_SECONDS;
  for (;;) {
    signal?.throwIfAborted();
    const step = await tryOnce(wait);
    if (step.ready) return step.record;
    if (elapsed() >= limit) throw await tooLate(wait, limit, step.message);
    await pause(context.clock, Math.min(seconds, limit - elapsed()), signal);
    seconds = Math.min(seconds * 1.5, MAX_PAUSE_SECONDS);
  }
}

/** Where one try got to. */
type Step =
  | { readonly ready: true; readonly record: ComputeRecord }
  | { readonly ready: false; readonly message: string };

async function tryOnce(wait: Wait): Promise<Step> {
  const { provider, report } = wait;
  const record = await refresh(wait);
  if (record.status !== "running") {
    const message = record.lastError ?? `${provider.name} says ${record.status}`;
    report("provisioning", message);
    return { ready: false, message };
  }
  const port = portToAsk(wait, record);
  const probe = { ...wait, token: wait.secrets.token };
  const answer =
    port === undefined ? { ready: true, message: "it runs" } : await isReady(probe, record, port);
  report(answer.ready ? "ready" : "starting", answer.message);
  return answer.ready ? { ready: true, record } : { ready: false, message: answer.message };
}

/** Codes after which a provider is asked again: they speak of this moment, not of the compute. */
const PASSING: ReadonlySet<AtlasErrorCode> = new Set([
  "TIMEOUT",
  "TRANSPORT",
  "PROVIDER",
  "UNAVAILABLE",
  "RATE_LIMIT",
]);

/** Asks the provider and stores what it says. A question that fails is asked again until the time is over. */
async function refresh(wait: Wait): Promise<ComputeRecord> {
  const { context, id, signal } = wait;
  const { record } = await loadRecord(context, id);
  if (record.status === "stopped")
    throw new AtlasError("CONFLICT", `compute ${id} is stopped: start it first`, { computeId: id });
  if (record.status === "terminating" || isEnded(record.status)) throw await bootFailed(wait, record);
  if (record.status === "pending" || record.status === "uncertain") return record;
  let instance: Instance | undefined;
  try {
    instance = await lookUp(context, record, signal);
  } catch (error) {
    if (isAtlasError(error) && PASSING.has(error.code)) return { ...record, lastError: error.message };
    throw error;
  }
  return instance === undefined ? unseen(wait, record) : seen(wait, instance);
}

/** The record of an instance that its provider does not show: it may be too new for that. @throws BOOT_FAILED when it is gone */
async function unseen(wait: Wait, record: ComputeRecord): Promise<ComputeRecord> {
  const { context, provider } = wait;
  if ((await context.store.now()) < absenceProvenFrom(context, provider, record)) return record;
  throw await bootFailed(wait, record, true);
}

/** The record with what its instance says. @throws BOOT_FAILED when that is the end of it */
async function seen(wait: Wait, instance: Instance): Promise<ComputeRecord> {
  const { context, id, provider } = wait;
  const record = await changeRecord(context, id, (current, now) => {
    const change = observed(current, instance, provider.bootTimeoutSeconds, now);
    return change && isNews(current, change.patch) ? change : undefined;
  });
  if (record.status === "terminating") throw await bootFailed(wait, await endCompute(context, record));
  if (isEnded(record.status)) throw await bootFailed(wait, record);
  return record;
}

function portToAsk({ id, port }: Wait, { ports }: ComputeRecord): Port | undefined {
  const found = ports.find(({ internal, protocol }) =>
    port === undefined ? protocol === "http" : internal === port,
  );
  if (found !== undefined || port === undefined) return found;
  const asked = ports.map(({ internal }) => internal).join(", ") || "none";
  throw new AtlasError("VALIDATION", `port ${port} of compute ${id} was not asked for; its ports: ${asked}`, {
    computeId: id,
  });
}

async function bootFailed(wait: Wait, record: ComputeRecord, vanished = false): Promise<AtlasError> {
  const { provider, id } = wait;
  const why = vanished ? "its instance is gone" : (record.lastError ?? record.reason ?? record.status);
  return withLogs(wait, "BOOT_FAILED", `compute ${id} on ${provider.name} did not come up: ${why}`);
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
  const logs = await lastLines(wait);
  const shown = logs.length === 0 ? "" : `. Its last log lines:\n${logs.join("\n")}`;
  return new AtlasError(code, `${message}${shown}`, {
    provider: wait.provider.name,
    computeId: wait.id,
    details: { logs },
  });
}

/** The last log lines; none when they cannot be had, because they only decorate an error that matters more. */
async function lastLines({ context, id, provider, secrets }: Wait): Promise<readonly string[]> {
  const { logs } = provider;
  if (logs === undefined) return [];
  const lines: LogLine[] = [];
  try {
    const { record } = await loadRecord(context, id);
    const reference = referenceOf(record);
    const call = {
      provider,
      operation: "logs",
      timeoutSeconds: context.timing.requestTimeoutSeconds,
      computeId: id,
    };
    await callProvider(context, call, async (callContext) => {
      for await (const line of logs.call(
        provider,
        reference,
        { tail: LOG_LINES, follow: false },
        callContext,
      ))
        lines.push(line);
    });
  } catch (error) {
    context.logger.debug("no log lines to show", {
      computeId: id,
      code: isAtlasError(error) ? error.code : "unknown",
    });
  }
  return lines.slice(-LOG_LINES).map(({ line }) => redact(line, Object.values(secrets)));
}
