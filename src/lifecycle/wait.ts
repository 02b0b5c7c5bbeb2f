/** Waiting until a compute is ready: its instance runs, and its port answers. */
import * as z from "zod/mini";
import { AtlasError, isAtlasError } from "../errors.ts";
import { backoffSeconds } from "../internal/backoff.ts";
import { signalField } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { pause } from "../internal/pause.ts";
import { redact } from "../internal/redact.ts";
import type { Instance, LogLine, Port, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import { callProvider } from "./call.ts";
import type { Context, Phase, Progress } from "./context.ts";
import { endCompute } from "./end.ts";
import { codeOf, isPassing } from "./failures.ts";
import { absenceProvenFrom, lookUp, referenceOf } from "./find-instance.ts";
import { onProgressField, reporter } from "./listeners.ts";
import { probePort } from "./probe.ts";
import { providerOf } from "./providers.ts";
import { changeRecord, loadRecord } from "./record/change.ts";
import { hasBegunToEnd, isEnded } from "./record/facts.ts";
import { isNews, observed } from "./record/observe.ts";
import type { ComputeSecrets } from "./spawn/secrets.ts";

/** Options of a wait. */
export interface WaitOptions {
  /** The path that must answer with a success. Without one, any answer of the pod itself counts. */
  readonly path?: string | undefined;
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
  signal: signalField,
  onProgress: onProgressField,
};

const PAUSE = { firstSeconds: 0.1, maxSeconds: 3 };
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

/** Waits; see `Compute.waitUntilReady`. A token of the caller opens the guard. */
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
  for (let tries = 0; ; tries += 1) {
    signal?.throwIfAborted();
    const step = await tryOnce(wait);
    if (step.ready) return step.record;
    if (elapsed() >= limit) throw await tooLate(wait, limit, step.message);
    await pause(context.clock, Math.min(backoffSeconds(PAUSE, tries), limit - elapsed()), signal);
  }
}

/** The result of one try. */
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
    port === undefined ? { ready: true, message: "it runs" } : await probePort(probe, record, port);
  report(answer.ready ? "ready" : "starting", answer.message);
  return answer.ready ? { ready: true, record } : { ready: false, message: answer.message };
}

/** Asks the provider and stores its answer. A passing failure becomes the record's `lastError`, and the next try asks again. */
async function refresh(wait: Wait): Promise<ComputeRecord> {
  const { context, id, signal } = wait;
  const { record } = await loadRecord(context, id);
  if (record.status === "stopped")
    throw new AtlasError("CONFLICT", `compute ${id} is stopped: start it first`, { computeId: id });
  if (hasBegunToEnd(record.status)) throw await bootFailed(wait, record);
  if (record.status === "pending" || record.status === "uncertain") return record;
  let instance: Instance | undefined;
  try {
    instance = await lookUp(context, record, signal);
  } catch (error) {
    if (isAtlasError(error) && isPassing(error)) return { ...record, lastError: error.message };
    throw error;
  }
  return instance === undefined ? unseen(wait, record) : seen(wait, instance);
}

/** The record of an instance that its provider does not show, perhaps because it is too new. @throws BOOT_FAILED when it is gone */
async function unseen(wait: Wait, record: ComputeRecord): Promise<ComputeRecord> {
  const { context, provider } = wait;
  if ((await context.store.now()) < absenceProvenFrom(context, provider, record)) return record;
  throw await bootFailed(wait, record, true);
}

/** The record after an observation of its instance. @throws BOOT_FAILED when the instance has failed or ended */
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
  throw new AtlasError("VALIDATION", `port ${port} of compute ${id} was not requested; its ports: ${asked}`, {
    computeId: id,
  });
}

async function bootFailed(wait: Wait, record: ComputeRecord, vanished = false): Promise<AtlasError> {
  const { provider, id } = wait;
  const reason = vanished ? "its instance is gone" : (record.lastError ?? record.reason ?? record.status);
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
  const logs = await lastLines(wait);
  const shown = logs.length === 0 ? "" : `. Its last log lines:\n${logs.join("\n")}`;
  return new AtlasError(code, `${message}${shown}`, {
    provider: wait.provider.name,
    computeId: wait.id,
    details: { logs },
  });
}

/** The last log lines, or none when they cannot be read: they only add to an error that matters more. */
async function lastLines({ context, id, provider, secrets }: Wait): Promise<readonly string[]> {
  const { logs } = provider;
  if (logs === undefined) return [];
  const lines: LogLine[] = [];
  try {
    const { record } = await loadRecord(context, id);
    const reference = referenceOf(record);
    const options = { tail: LOG_LINES, follow: false };
    await callProvider(context, { provider, operation: "logs", computeId: id }, async (callContext) => {
      for await (const line of logs.call(provider, reference, options, callContext)) lines.push(line);
    });
  } catch (error) {
    context.logger.debug("no log lines to show", { computeId: id, code: codeOf(error) });
  }
  return lines.slice(-LOG_LINES).map(({ line }) => redact(line, Object.values(secrets)));
}
