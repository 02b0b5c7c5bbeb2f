/** Serverless jobs on RunPod. Source: RunPod's operation reference and job states, November 2026. */
import * as z from "zod/mini";
import type { CallContext } from "../../call-context.ts";
import type { Clock } from "../../clock.ts";
import { AtlasError, type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import { type HttpClient, type HttpRequest, unlessNotFound } from "../../internal/http.ts";
import type { Classify } from "../../internal/http-errors.ts";
import { describe, field, invalid, optional, parseFields } from "../../internal/parse.ts";
import { excerpt } from "../../internal/redact.ts";
import type {
  Job,
  JobHealth,
  JobPolicy,
  JobReference,
  JobRequest,
  JobRunner,
  JobStatus,
} from "../../job-runner.ts";
import { jobHealthSchema, jobSchema, jobStreamSchema, type WireJob } from "./wire.ts";

const STATUSES: ReadonlyMap<string, JobStatus> = new Map([
  ["IN_QUEUE", "in_queue"],
  ["IN_PROGRESS", "in_progress"],
  ["RUNNING", "in_progress"],
  ["COMPLETED", "completed"],
  ["FAILED", "failed"],
  ["CANCELLED", "cancelled"],
  ["TIMED_OUT", "timed_out"],
]);

/** The largest body of each mode of a job. Only `/runsync` takes more than {@link RUN_BYTES}. */
const MAX_BYTES = { async: 10_000_000, sync: 20_000_000 } as const;
const RUN_BYTES = 10_000_000;
/** The shortest time for which `/runsync` waits, in milliseconds: a longer wait would hold back the job's id. */
const SHORTEST_WAIT = 1000;

const seconds = (from: number, to: number): z.ZodMiniNumber =>
  z.number().check(z.minimum(from), z.maximum(to));
const policy = z.strictObject({
  executionTimeoutSeconds: z.optional(seconds(5, 604_800)),
  ttlSeconds: z.optional(seconds(10, 604_800)),
  lowPriority: z.optional(z.boolean()),
});

const FIELDS = {
  endpoint: field(z.string().check(z.regex(/^[A-Za-z0-9_-]{1,100}$/)), "an endpoint's id"),
  input: field(z.unknown().check(z.refine((value) => value !== undefined)), "the worker's input, as JSON", {
    secret: true,
  }),
  mode: optional(field(z.enum(["async", "sync"]), '"async" or "sync"')),
  waitSeconds: optional(field(seconds(0, 604_800), "seconds, up to 604800")),
  webhook: optional(field(z.string().check(z.regex(/^https?:\/\/\S+$/)), "an http(s) URL", { secret: true })),
  policy: optional(
    field(
      policy,
      "{ executionTimeoutSeconds: 5 to 604800, ttlSeconds: 10 to 604800, lowPriority: true or false }",
    ),
  ),
};

/** The jobs of RunPod's serverless endpoints. */
export function createJobRunner(http: HttpClient, clock: Clock): JobRunner {
  const read = async (reference: JobReference, context: CallContext): Promise<Job> => {
    const request = { method: "GET", path: pathOf(reference, "status"), idempotent: true } as const;
    return toJob(reference.endpoint, await http.read(request, jobSchema, context));
  };
  return {
    runJob: (request, context) => run(http, request, context),
    getJob: (reference, context) => unlessNotFound(read(reference, context)),
    cancelJob: async (reference, context) => {
      const request = { method: "POST", path: pathOf(reference, "cancel"), idempotent: true } as const;
      return toJob(reference.endpoint, await http.read(request, jobSchema, context));
    },
    streamJob: (reference, context) => streamOutput({ http, clock, read }, reference, context),
    jobHealth: (endpoint, context) => readHealth(http, endpoint, context),
  };
}

/** Forms of a 404 that a gateway in front of the endpoint answers. */
const GATEWAY = /^\s*<|no Route matched/i;

/** Classifies a refusal. A 404 is about the endpoint or the job, also without JSON, unless a gateway answered it. */
export const classifyJobRefusal: Classify = ({ status, text }) => {
  if (status !== 404) return undefined;
  return { code: GATEWAY.test(text) ? "PROVIDER" : "NOT_FOUND" };
};

async function run(http: HttpClient, input: JobRequest, context: CallContext): Promise<Job> {
  const request = parseFields("The job", FIELDS, input);
  const mode = request.mode ?? "async";
  const json = { input: request.input, webhook: request.webhook, policy: toWirePolicy(request.policy) };
  const isLarge = checkedBytes(json, mode) > RUN_BYTES;
  const path = `/${encodeURIComponent(request.endpoint)}/${isLarge ? "runsync" : "run"}`;
  const wait = isLarge ? { query: { wait: SHORTEST_WAIT } } : {};
  const post: HttpRequest = { method: "POST", path, json, idempotent: false, ...wait };
  return toJob(request.endpoint, await http.read(post, jobSchema, context));
}

function toWirePolicy(given: JobPolicy | undefined): unknown {
  if (given === undefined) return undefined;
  const { executionTimeoutSeconds, ttlSeconds, lowPriority } = given;
  return {
    executionTimeout: inMilliseconds(executionTimeoutSeconds),
    ttl: inMilliseconds(ttlSeconds),
    lowPriority,
  };
}

function inMilliseconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 1000);
}

/** The length of the body in bytes. @throws VALIDATION when the mode takes no such body. */
function checkedBytes(json: unknown, mode: keyof typeof MAX_BYTES): number {
  const maxBytes = MAX_BYTES[mode];
  const bytes = Buffer.byteLength(JSON.stringify(json));
  if (bytes <= maxBytes) return bytes;
  throw invalid("The job", [
    { field: "input", received: `${bytes} bytes`, allowed: `${maxBytes} bytes in mode "${mode}"` },
  ]);
}

const PLAIN_ID = /^[A-Za-z0-9_-]{1,200}$/;

/** @throws VALIDATION for an id that could lead to another path */
function pathOf({ endpoint, id }: JobReference, operation: string): string {
  const wrong = [endpoint, id].find((part) => !PLAIN_ID.test(part));
  if (wrong !== undefined)
    throw new AtlasError("VALIDATION", `runpod: ${describe(wrong)} is not the id of an endpoint or a job`, {
      provider: "runpod",
    });
  return `/${encodeURIComponent(endpoint)}/${operation}/${encodeURIComponent(id)}`;
}

function toJob(endpoint: string, wire: WireJob): Job {
  const { id, output, error, delayTime, executionTime } = wire;
  return {
    endpoint,
    id,
    status: toJobStatus(wire.status),
    ...defined({
      output: output ?? undefined,
      error: error === undefined || error === null ? undefined : textOf(error),
      delaySeconds: inSeconds(delayTime),
      executionSeconds: inSeconds(executionTime),
    }),
  };
}

function inSeconds(milliseconds: number | null | undefined): number | undefined {
  return typeof milliseconds === "number" ? milliseconds / 1000 : undefined;
}

function toJobStatus(text: string): JobStatus {
  const status = STATUSES.get(text);
  if (status !== undefined) return status;
  throw new AtlasError("PROVIDER", `runpod: a job has the status ${excerpt(text)}, which is unknown`, {
    provider: "runpod",
  });
}

function textOf(error: unknown): string {
  return typeof error === "string" ? error : JSON.stringify(error);
}

async function readHealth(http: HttpClient, endpoint: string, context: CallContext): Promise<JobHealth> {
  const request = {
    method: "GET",
    path: `/${encodeURIComponent(endpoint)}/health`,
    idempotent: true,
  } as const;
  const { jobs, workers } = await http.read(request, jobHealthSchema, context);
  const { completed = 0, failed = 0, inProgress = 0, inQueue = 0, retried = 0 } = jobs;
  return { jobs: { completed, failed, inProgress, inQueue, retried }, workers };
}

interface StreamSource {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly read: (reference: JobReference, context: CallContext) => Promise<Job>;
}

const POLL_MILLISECONDS = 1000;

/** The most looks that a finished job's output may take. */
const MAX_LAST_LOOKS = 10_000;

/**
 * Streams a job's output. Each request takes out the items since the last one. After the job's end there may be more than one request's
 * worth, so the stream ends at the first answer after it that is empty.
 */
async function* streamOutput(
  { http, clock, read }: StreamSource,
  reference: JobReference,
  context: CallContext,
): AsyncGenerator<unknown, void, undefined> {
  let ended: Job | undefined;
  for (let lastLooks = 0; lastLooks < MAX_LAST_LOOKS; ) {
    const { items, answer } = await takeItems(http, reference, context);
    for (const { output } of items) yield output;
    if (ended !== undefined && items.length === 0) return throwUnlessCompleted(ended);
    ended ??= await endedJob(answer, () => read(reference, context));
    if (ended !== undefined) lastLooks += 1;
    else if (items.length === 0) await clock.sleep(POLL_MILLISECONDS, context.signal);
  }
  throw new AtlasError("PROVIDER", `runpod: the output of job ${reference.id} does not end`, {
    provider: "runpod",
    retryable: false,
  });
}

interface TakenItems {
  readonly items: readonly { readonly output?: unknown }[];
  readonly answer: unknown;
}

/** Takes the items out. A request that fails may have taken items with it, so it is not repeated. */
async function takeItems(
  http: HttpClient,
  reference: JobReference,
  context: CallContext,
): Promise<TakenItems> {
  const request = { method: "GET", path: pathOf(reference, "stream"), idempotent: false } as const;
  try {
    const answer = await http.read(request, jobStreamSchema, context);
    return { answer, items: Array.isArray(answer) ? answer : (answer.stream ?? []) };
  } catch (error) {
    throw isAtlasError(error) && error.mayHaveCreated === true ? lostPiecesError(error, reference) : error;
  }
}

function lostPiecesError(error: AtlasError, { id }: JobReference): AtlasError {
  const { code, message, provider, status, requestId } = error;
  const advice = `pieces of the output of job ${id} may be lost: read the whole output by getJob`;
  return new AtlasError(code, `${message}; ${advice}`, { provider, status, requestId, retryable: false });
}

/** The job when it has ended. The status in the stream's answer saves a request while the job is unfinished. */
async function endedJob(answer: unknown, read: () => Promise<Job>): Promise<Job | undefined> {
  const status: unknown =
    typeof answer === "object" && answer !== null ? Reflect.get(answer, "status") : undefined;
  if (typeof status === "string" && isUnfinished(toJobStatus(status))) return undefined;
  const job = await read();
  return isUnfinished(job.status) ? undefined : job;
}

function isUnfinished(status: JobStatus): boolean {
  return status === "in_queue" || status === "in_progress";
}

const FAILURES: Readonly<Partial<Record<JobStatus, readonly [code: AtlasErrorCode, verb: string]>>> = {
  failed: ["PROVIDER", "failed"],
  cancelled: ["CONFLICT", "was cancelled"],
  timed_out: ["TIMEOUT", "exceeded its time limit"],
};

function throwUnlessCompleted(job: Job | undefined): void {
  const failure = job === undefined ? undefined : FAILURES[job.status];
  if (job === undefined || failure === undefined) return;
  const [code, verb] = failure;
  const reason = job.error === undefined ? "" : `: ${excerpt(job.error)}`;
  throw new AtlasError(code, `runpod: job ${job.id} of endpoint ${job.endpoint} ${verb}${reason}`, {
    provider: "runpod",
    retryable: false,
    details: { status: job.status },
  });
}
