/** Whether a pod's http port really answers. */
import type { Port, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import type { Environment } from "./environment.ts";

/** What a probe found. */
export interface Answer {
  readonly ready: boolean;
  /** For people. */
  readonly message: string;
}

/** How to ask. */
export interface Probe {
  readonly environment: Environment;
  readonly provider: Provider;
  readonly token: string | undefined;
  readonly path: string | undefined;
  readonly signal: AbortSignal | undefined;
}

const PROBE_SECONDS = 5;

/** Asks a port. Connection errors and the answers of a proxy whose pod does not listen yet are "not ready". */
export async function isReady(probe: Probe, record: ComputeRecord, port: Port): Promise<Answer> {
  if (port.protocol !== "http") return { ready: true, message: "it runs" };
  if (port.url === undefined)
    return { ready: false, message: `the URL of port ${port.internal} is not known yet` };
  try {
    return await ask(probe, record, port, port.url);
  } catch (error) {
    if (probe.signal?.aborted) throw probe.signal.reason;
    return { ready: false, message: `port ${port.internal} does not answer yet (${failureOf(error)})` };
  }
}

async function ask(probe: Probe, record: ComputeRecord, port: Port, url: string): Promise<Answer> {
  const { environment, token, path, signal } = probe;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await environment.fetch(`${url}${path ?? "/"}`, {
    headers: { accept: "application/json, */*", ...port.headers, ...authorization },
    redirect: "manual",
    signal: AbortSignal.any([
      AbortSignal.timeout(PROBE_SECONDS * 1000),
      ...(signal === undefined ? [] : [signal]),
    ]),
  });
  await response.body?.cancel();
  const guarded = record.authSchemes.length > 0 && token === undefined;
  const ready =
    path === undefined ? answers(probe.provider, response.status) : accepts(response.status, guarded);
  return { ready, message: `port ${port.internal} answers ${response.status}` };
}

/** Without a path: any answer that is the pod's own. */
function answers({ notReadyStatuses = [] }: Provider, status: number): boolean {
  const ofProxy = [502, 503, 504].includes(status) || (status >= 520 && status <= 530);
  return !ofProxy && !notReadyStatuses.includes(status);
}

/** With a path: its success; or the guard's refusal, for a caller who has no token to show. */
function accepts(status: number, guarded: boolean): boolean {
  return (status >= 200 && status < 300) || (guarded && status === 401);
}

function failureOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return error instanceof Error ? error.name : "unknown";
}
