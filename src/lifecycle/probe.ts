/** Asking a pod's http port whether it is ready. */
import * as z from "zod/mini";
import { readBeginning } from "../internal/http-body.ts";
import { parseJson } from "../internal/json.ts";
import { READINESS_PATH, type Readiness } from "../internal/readiness.ts";
import type { Port, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import type { Context } from "./context.ts";

/** The result of a probe. */
export interface ProbeAnswer {
  readonly ready: boolean;
  /** A sentence for people. */
  readonly message: string;
}

/** The parts of a question. */
export interface Probe {
  readonly context: Context;
  readonly provider: Provider;
  readonly token: string | undefined;
  readonly path: string | undefined;
  readonly signal: AbortSignal | undefined;
}

const PROBE_SECONDS = 5;
const MAX_ANSWER_BYTES = 10_000;

const readinessSchema = z.object({
  computeId: z.nullable(z.string()),
  status: z.enum(["ready", "starting"]),
});

/** Asks a port. A connection error, or an answer of a proxy whose pod does not listen yet, means "not ready". */
export async function probePort(probe: Probe, record: ComputeRecord, port: Port): Promise<ProbeAnswer> {
  if (port.protocol !== "http") return { ready: true, message: "it runs" };
  if (port.url === undefined)
    return { ready: false, message: `the URL of port ${port.internal} is not known yet` };
  try {
    return await askPort(probe, record, port, port.url);
  } catch (error) {
    if (probe.signal?.aborted) throw probe.signal.reason;
    return {
      ready: false,
      message: `port ${port.internal} does not answer yet (${connectionFailure(error)})`,
    };
  }
}

async function askPort(probe: Probe, record: ComputeRecord, port: Port, url: string): Promise<ProbeAnswer> {
  const guard = await askGuard(probe, record, port, url);
  if (guard !== undefined && (!guard.ready || probe.path === undefined)) return guard;
  const response = await fetchFrom(probe, port, `${url}${probe.path ?? "/"}`);
  await response.body?.cancel();
  const { status } = response;
  const guarded = record.authSchemes.length > 0 && probe.token === undefined;
  const ready = probe.path === undefined ? isOwn(probe.provider, status) : isAccepted(status, guarded);
  return { ready, message: `port ${port.internal} answers ${status}` };
}

function fetchFrom(probe: Probe, port: Port, url: string): Promise<Response> {
  const { context, token, signal } = probe;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return context.fetch(url, {
    headers: { accept: "application/json, */*", ...port.headers, ...authorization },
    redirect: "manual",
    signal: AbortSignal.any([
      AbortSignal.timeout(PROBE_SECONDS * 1000),
      ...(signal === undefined ? [] : [signal]),
    ]),
  });
}

/** Asks the guard; `undefined` when no guard answers. A page in the place of the pod does not count as the pod. */
async function askGuard(
  probe: Probe,
  record: ComputeRecord,
  port: Port,
  url: string,
): Promise<ProbeAnswer | undefined> {
  const response = await fetchFrom(probe, port, `${url}${READINESS_PATH}`);
  const type = response.headers.get("content-type") ?? "";
  const readiness = type.includes("json")
    ? toReadiness(await readBeginning(response, MAX_ANSWER_BYTES))
    : undefined;
  if (readiness === undefined) {
    if (!response.bodyUsed) await response.body?.cancel();
    const isPage = response.ok && type.includes("html") && probe.path === undefined;
    return isPage
      ? {
          ready: false,
          message: `port ${port.internal} shows a page, which may be a placeholder: say which path to ask`,
        }
      : undefined;
  }
  if (readiness.computeId !== null && readiness.computeId !== record.id)
    return { ready: false, message: `port ${port.internal} is answered by another pod` };
  return {
    ready: readiness.status === "ready",
    message: `the guard on port ${port.internal} says ${readiness.status}`,
  };
}

function toReadiness(text: string): Readiness | undefined {
  const parsed = readinessSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

/** Without a path, any answer of the pod itself counts. */
function isOwn({ edge }: Provider, status: number): boolean {
  const ofProxy = [502, 503, 504].includes(status) || (status >= 520 && status <= 530);
  return !ofProxy && !edge?.statuses?.includes(status);
}

/** With a path, a success counts, or the guard's refusal when the caller has no token to show. */
function isAccepted(status: number, guarded: boolean): boolean {
  return (status >= 200 && status < 300) || (guarded && status === 401);
}

function connectionFailure(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return error instanceof Error ? error.name : "unknown";
}
