/** Asking a pod's http port whether it is ready: first for its identity, which needs no secret, then for the path. */
import * as z from "zod/mini";
import { readBeginning } from "../internal/http-body.ts";
import { parseJson } from "../internal/json.ts";
import { READINESS_PATH, type Readiness } from "../internal/readiness.ts";
import { userAgent } from "../internal/user-agent.ts";
import type { Port, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import type { Context } from "./context.ts";
import type { Answer, ExpectedAnswer } from "./expect.ts";
import { doubt, PAGE } from "./readiness.ts";

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
  readonly expect?: ExpectedAnswer | undefined;
  readonly signal: AbortSignal | undefined;
}

const PROBE_SECONDS = 5;
const MAX_ANSWER_CHARACTERS = 10_000;

const readinessSchema = z.object({
  computeId: z.nullable(z.string()),
  status: z.enum(["ready", "starting"]),
});

/** Asks a port. A connection error, or an answer that something else than the pod could give, means "not ready". */
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
  const { path, expect, provider } = probe;
  const hasNoProof = path === undefined && expect === undefined;
  const readiness = await askGuard(probe, port, url);
  if (readiness === "page" && hasNoProof)
    return { ready: false, message: `port ${port.internal} answers ${PAGE}` };
  const guard = readiness === "page" ? undefined : readiness;
  const told = guard && guardAnswer(guard, record, port);
  if (told !== undefined && !told.ready) return told;
  const isIdentified = guard?.computeId === record.id;
  if (told !== undefined && isIdentified && hasNoProof) return told;
  const answer = await ask(probe, port, `${url}${path ?? "/"}`, isIdentified);
  const mayRefuse = record.authSchemes.length > 0 && !(isIdentified && probe.token !== undefined);
  const hasPath = path !== undefined;
  const why = doubt(answer, { edge: provider.edge, expect, hasPath, isIdentified, mayRefuse });
  if (why === undefined) return { ready: true, message: `port ${port.internal} answers ${answer.status}` };
  return { ready: false, message: `port ${port.internal} answers ${why}` };
}

/** Judges the guard's word about the pod: a guard that does not know its compute is no proof, and may say that it is starting. */
function guardAnswer(guard: Readiness, { id }: ComputeRecord, { internal }: Port): ProbeAnswer {
  if (guard.computeId !== null && guard.computeId !== id)
    return { ready: false, message: `port ${internal} is answered by another pod` };
  return { ready: guard.status === "ready", message: `the guard on port ${internal} says ${guard.status}` };
}

/** Asks the path. Only a port whose guard named this compute receives the token. */
async function ask(probe: Probe, port: Port, url: string, isIdentified: boolean): Promise<Answer> {
  const { token, expect, provider } = probe;
  const authorization = isIdentified && token !== undefined ? { authorization: `Bearer ${token}` } : {};
  const response = await fetchFrom(probe, port, url, authorization);
  const { status, headers } = response;
  const needsBody = expect?.text ?? expect?.json ?? (isIdentified ? undefined : provider.edge);
  if (needsBody !== undefined)
    return { status, headers, body: await readBeginning(response, MAX_ANSWER_CHARACTERS) };
  await response.body?.cancel();
  return { status, headers, body: "" };
}

/** Asks for the guard's readiness, which needs no secret; `undefined` when no guard answers, "page" for a page in its place. */
async function askGuard(probe: Probe, port: Port, url: string): Promise<Readiness | "page" | undefined> {
  const response = await fetchFrom(probe, port, `${url}${READINESS_PATH}`);
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("json")) return toReadiness(await readBeginning(response, MAX_ANSWER_CHARACTERS));
  await response.body?.cancel();
  return response.ok && type.includes("html") ? "page" : undefined;
}

function toReadiness(text: string): Readiness | undefined {
  const parsed = readinessSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

function fetchFrom(
  { context, signal }: Probe,
  port: Port,
  url: string,
  secret: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return context.fetch(url, {
    headers: { accept: "application/json, */*", "user-agent": userAgent, ...port.headers, ...secret },
    redirect: "manual",
    signal: AbortSignal.any([
      AbortSignal.timeout(PROBE_SECONDS * 1000),
      ...(signal === undefined ? [] : [signal]),
    ]),
  });
}

function connectionFailure(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return error instanceof Error ? error.name : "unknown";
}
