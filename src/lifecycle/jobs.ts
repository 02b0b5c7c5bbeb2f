/** Serverless jobs, on the providers that have them. */
import * as z from "zod/mini";
import { AtlasError } from "../errors.ts";
import { signalField } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import type { Job, JobHealth, JobReference, JobRequest, JobRunner } from "../job-runner.ts";
import type { Provider } from "../provider.ts";
import { callProvider } from "./call.ts";
import type { Context } from "./context.ts";

/** A job to run, and where. */
export interface RunJobRequest extends JobRequest {
  /** Name of a configured provider. @default the first one that runs jobs */
  readonly provider?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Which job. What `runJob` returned is one. */
export interface JobAddress extends JobReference {
  readonly provider: string;
}

/** A job, and the provider it is at. */
export interface AtlasJob extends Job {
  readonly provider: string;
}

const name = field(z.string().check(z.minLength(1), z.maxLength(200)), "a string of 1 to 200 characters");
const seconds = optional(
  field(z.number().check(z.positive(), z.maximum(604_800)), "seconds, more than 0 and up to 604800"),
);
const FIELDS = {
  provider: optional(field(z.string(), "the name of a configured provider")),
  endpoint: name,
  input: field(z.unknown(), "anything that JSON can say"),
  mode: optional(field(z.enum(["async", "sync"]), '"async" or "sync"')),
  waitSeconds: seconds,
  webhook: optional(field(z.string().check(z.regex(/^https?:\/\/[^\s#@]+$/)), "an http or https URL")),
  policy: optional(
    field(z.record(z.string(), z.unknown()), "an object with limits of the job", { secret: true }),
  ),
  signal: signalField,
};
const POLICY_FIELDS = {
  executionTimeoutSeconds: seconds,
  ttlSeconds: seconds,
  lowPriority: optional(field(z.boolean(), "true or false")),
};
/** How much longer than the job itself a call that waits for it may take. */
const MARGIN_SECONDS = 30;
const MAX_WAIT_SECONDS = 90;

/** Starts a job. See `Atlas.runJob`. */
export async function runJob(context: Context, input: RunJobRequest): Promise<AtlasJob> {
  const { provider: wanted, signal, policy, ...rest } = parseFields("The job", FIELDS, input);
  const request: JobRequest = {
    ...rest,
    input: input.input,
    ...(policy && { policy: parseFields("The job's policy", POLICY_FIELDS, policy) }),
  };
  const { provider, jobs } = runnerOf(context, wanted);
  const wait = request.mode === "sync" ? (request.waitSeconds ?? MAX_WAIT_SECONDS) : 0;
  const timeoutSeconds = wait + MARGIN_SECONDS;
  const call = { provider, operation: "runJob", signal, timeoutSeconds };
  const job = await callProvider(context, call, (callContext) => jobs.runJob(request, callContext));
  return { ...job, provider: provider.name };
}

/** The job as it is now. @throws NOT_FOUND */
export async function getJob(context: Context, address: JobAddress): Promise<AtlasJob> {
  const { provider, jobs } = runnerOf(context, address.provider);
  const call = { provider, operation: "getJob", timeoutSeconds: context.timing.requestTimeoutSeconds };
  const job = await callProvider(context, call, (callContext) => jobs.getJob(address, callContext));
  if (job !== undefined) return { ...job, provider: provider.name };
  throw new AtlasError(
    "NOT_FOUND",
    `${provider.name} has no job ${address.id} on endpoint ${address.endpoint}; results are kept for a limited time`,
    {
      provider: provider.name,
    },
  );
}

/** Asks for the end of a job. @throws NOT_FOUND */
export async function cancelJob(context: Context, address: JobAddress): Promise<AtlasJob> {
  const { provider, jobs } = runnerOf(context, address.provider);
  const call = { provider, operation: "cancelJob", timeoutSeconds: context.timing.requestTimeoutSeconds };
  return {
    ...(await callProvider(context, call, (callContext) => jobs.cancelJob(address, callContext))),
    provider: provider.name,
  };
}

/** What a job puts out; ends when the job is completed, throws when it failed. */
export function streamJob(
  context: Context,
  address: JobAddress,
  signal: AbortSignal = new AbortController().signal,
): AsyncIterable<unknown> {
  const { jobs } = runnerOf(context, address.provider);
  const { requestTimeoutSeconds } = context.timing;
  return jobs.streamJob(address, { signal, requestTimeoutSeconds });
}

/** How an endpoint does. */
export async function jobHealth(
  context: Context,
  address: { readonly provider?: string | undefined; readonly endpoint: string },
): Promise<JobHealth> {
  const { provider, jobs } = runnerOf(context, address.provider);
  const call = { provider, operation: "jobHealth", timeoutSeconds: context.timing.requestTimeoutSeconds };
  return callProvider(context, call, (callContext) => jobs.jobHealth(address.endpoint, callContext));
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
  const who =
    able.length === 0
      ? "none of the configured providers does"
      : `these do: ${able.map(({ provider }) => provider.name).join(", ")}`;
  throw new AtlasError("UNSUPPORTED", `${wanted ?? "nobody here"} runs no serverless jobs; ${who}`);
}
