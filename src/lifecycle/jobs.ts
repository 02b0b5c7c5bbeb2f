/** Serverless jobs, on the providers that have them. */
import * as z from "zod/mini";
import type { CallContext } from "../call-context.ts";
import { AtlasError, isAtlasError, withFacts } from "../errors.ts";
import { type Backoff, backoffSeconds } from "../internal/backoff.ts";
import { signalField } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { pause } from "../internal/pause.ts";
import type { Job, JobHealth, JobPolicy, JobReference, JobRequest, JobRunner } from "../job-runner.ts";
import type { Provider } from "../provider.ts";
import { callProvider, type ProviderCall } from "./call.ts";
import type { Context } from "./context.ts";
import { isPassing, mayHaveCreated } from "./failures.ts";
import { namesOf } from "./providers.ts";

/** A job to run, and its provider. */
export interface RunJobRequest extends JobRequest {
  /** Name of a configured provider. @default the first one that runs jobs */
  readonly provider?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The address of a job. The result of `runJob` is one. */
export interface JobAddress extends JobReference {
  readonly provider: string;
}

/** A job with its provider. */
export interface AtlasJob extends Job {
  readonly provider: string;
}

const seconds = optional(
  field(z.number().check(z.positive(), z.maximum(604_800)), "seconds, more than 0 and up to 604800"),
);
const FIELDS = {
  provider: optional(field(z.string(), "the name of a configured provider")),
  endpoint: field(z.string().check(z.minLength(1), z.maxLength(200)), "a string of 1 to 200 characters"),
  input: field(z.unknown(), "any value that JSON can express"),
  mode: optional(field(z.enum(["async", "sync"]), '"async" or "sync"')),
  waitSeconds: seconds,
  webhook: optional(field(z.string().check(z.regex(/^https?:\/\/[^\s#@]+$/)), "an http or https URL")),
  policy: optional(field(z.custom<JobPolicy>(isPolicyLike), "an object with limits of the job")),
  signal: signalField,
};
const DEFAULT_WAIT_SECONDS = 90;
const LOOK_PAUSE: Backoff = { firstSeconds: 0.5, maxSeconds: 3 };

/** The provider checks the fields of a policy, because the limits are its own. */
function isPolicyLike(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Starts a job, and in mode `sync` waits for its result. See `Atlas.runJob`. */
export async function runJob(context: Context, input: RunJobRequest): Promise<AtlasJob> {
  const { provider, signal, ...rest } = parseFields("The job", FIELDS, input);
  const request: JobRequest = { ...rest, input: input.input };
  if (signal?.aborted)
    throw new AtlasError("TIMEOUT", "the caller gave up before the job was sent", {
      retryable: false,
      mayHaveCreated: false,
    });
  const call = { operation: "runJob", wanted: provider, signal };
  const started = await askRunner(context, call, (jobs, callContext) =>
    jobs.runJob(request, callContext),
  ).catch((error: unknown) => {
    throw isAtlasError(error) && mayHaveCreated(error) ? mayRunError(error) : error;
  });
  const job = placed(started);
  if (request.mode !== "sync") return job;
  return awaitEnd(context, job, request.waitSeconds ?? DEFAULT_WAIT_SECONDS, signal);
}

/** The error of a job whose start has an unknown outcome. A repeated call could run the job twice. */
function mayRunError(error: AtlasError): AtlasError {
  const { code, message, provider, status, requestId, details, cause } = error;
  const facts = { provider, status, requestId, details, cause, mayHaveCreated: true, retryable: false };
  return new AtlasError(code, `${message}; the job may run nevertheless`, facts);
}

/**
 * Looks at the job until it has ended or the time is over, and returns it as it was last seen. A look that fails is made again.
 * @throws TIMEOUT with the job's id when the caller gives up
 */
async function awaitEnd(
  context: Context,
  started: AtlasJob,
  waitSeconds: number,
  signal: AbortSignal | undefined,
): Promise<AtlasJob> {
  const { clock } = context;
  const endsAt = clock.now().getTime() + waitSeconds * 1000;
  let job = started;
  for (let looks = 0; isUnfinished(job); looks += 1) {
    const left = (endsAt - clock.now().getTime()) / 1000;
    if (left <= 0) return job;
    await pause(clock, Math.min(backoffSeconds(LOOK_PAUSE, looks), left), signal);
    if (signal?.aborted) throw givenUpError(job);
    job = await lookAtJob(context, job, signal);
  }
  return job;
}

function isUnfinished({ status }: AtlasJob): boolean {
  return status === "in_queue" || status === "in_progress";
}

/** The job as it is now, or as it was when the provider does not tell: a new job may be unknown for a moment. */
async function lookAtJob(
  context: Context,
  job: AtlasJob,
  signal: AbortSignal | undefined,
): Promise<AtlasJob> {
  try {
    return await getJob(context, job);
  } catch (error) {
    if (signal?.aborted) throw givenUpError(job);
    if (!isAtlasError(error) || !(isPassing(error) || error.code === "NOT_FOUND"))
      throw isAtlasError(error) ? withJob(error, job) : error;
    context.logger.warn("a look at a job failed and is made again", { job: job.id, code: error.code });
    return job;
  }
}

function givenUpError(job: AtlasJob): AtlasError {
  const { id, endpoint, provider } = job;
  const message = `the caller gave up waiting for job ${id} of endpoint ${endpoint} on ${provider}; it goes on: see getJob and cancelJob`;
  return withJob(new AtlasError("TIMEOUT", message, { provider, retryable: false }), job);
}

/** The error with the address of the job, which must not be lost with it. */
function withJob(error: AtlasError, { id, endpoint }: AtlasJob): AtlasError {
  return withFacts(error, { providerId: id, mayHaveCreated: true, details: { job: { id, endpoint } } });
}

/** Reads a job as it is now. @throws NOT_FOUND */
export async function getJob(context: Context, address: JobAddress): Promise<AtlasJob> {
  const call = { operation: "getJob", wanted: address.provider };
  const { answer, provider } = await askRunner(context, call, (jobs, callContext) =>
    jobs.getJob(address, callContext),
  );
  if (answer !== undefined) return placed({ answer, provider });
  throw new AtlasError(
    "NOT_FOUND",
    `${provider} has no job ${address.id} on endpoint ${address.endpoint}; results are kept for a limited time`,
    { provider },
  );
}

/** Asks for the end of a job. @throws NOT_FOUND */
export async function cancelJob(context: Context, address: JobAddress): Promise<AtlasJob> {
  const call = { operation: "cancelJob", wanted: address.provider };
  return placed(await askRunner(context, call, (jobs, callContext) => jobs.cancelJob(address, callContext)));
}

/** Reads the output of a job piece by piece. Ends when the job is completed, throws when it failed. */
export function streamJob(
  context: Context,
  address: JobAddress,
  signal: AbortSignal = new AbortController().signal,
): AsyncIterable<unknown> {
  const { jobs } = runnerOf(context, address.provider);
  const { requestTimeoutSeconds } = context.timing;
  return jobs.streamJob(address, { signal, requestTimeoutSeconds });
}

/** Reads the numbers of jobs and workers of an endpoint. */
export async function jobHealth(
  context: Context,
  { provider: wanted, endpoint }: { readonly provider?: string | undefined; readonly endpoint: string },
): Promise<JobHealth> {
  const { answer } = await askRunner(context, { operation: "jobHealth", wanted }, (jobs, callContext) =>
    jobs.jobHealth(endpoint, callContext),
  );
  return answer;
}

/** An answer, and the name of the provider that gave it. */
interface RunnerAnswer<Answer> {
  readonly answer: Answer;
  readonly provider: string;
}

function placed({ answer, provider }: RunnerAnswer<Job>): AtlasJob {
  return { ...answer, provider };
}

/** Calls the wanted provider's job runner, or the first one's. */
async function askRunner<Answer>(
  context: Context,
  { wanted, ...call }: Omit<ProviderCall, "provider"> & { readonly wanted: string | undefined },
  ask: (jobs: JobRunner, callContext: CallContext) => Promise<Answer>,
): Promise<RunnerAnswer<Answer>> {
  const { provider, jobs } = runnerOf(context, wanted);
  const answer = await callProvider(context, { ...call, provider }, (callContext) => ask(jobs, callContext));
  return { answer, provider: provider.name };
}

function runnerOf(
  { providers }: Context,
  wanted: string | undefined,
): { readonly provider: Provider; readonly jobs: JobRunner } {
  const able = providers.flatMap((provider) =>
    provider.jobs === undefined ? [] : [{ provider, jobs: provider.jobs }],
  );
  const found = able.find(({ provider }) => wanted === undefined || provider.name === wanted);
  if (found !== undefined) return found;
  const names = namesOf(able.map(({ provider }) => provider));
  const message = `${wanted ?? "Atlas"} runs no serverless jobs; of the configured providers these do: ${names}`;
  throw new AtlasError("UNSUPPORTED", message);
}
