/**
 * The contract of serverless jobs, for a provider that has them. The comments are the laws.
 */
import type { CallContext } from "./call-context.ts";

/** Where a job is. Only `in_queue` and `in_progress` change again. */
export type JobStatus = "in_queue" | "in_progress" | "completed" | "failed" | "cancelled" | "timed_out";

/** What to run on a serverless endpoint. */
export interface JobRequest {
  /** The endpoint's id at the provider. */
  readonly endpoint: string;
  /** What the worker gets. */
  readonly input: unknown;
  /** `sync` waits for the result, `async` answers as soon as the job is in the queue. @default "async" */
  readonly mode?: "async" | "sync" | undefined;
  /** How long `sync` waits, in seconds; a job that takes longer goes on, and is answered as it stands. @default 90 */
  readonly waitSeconds?: number | undefined;
  /** A URL that the provider calls with the finished job. */
  readonly webhook?: string | undefined;
  readonly policy?: JobPolicy | undefined;
}

/** Limits of one job. */
export interface JobPolicy {
  /** How long the job may run, in seconds. @default the endpoint's own */
  readonly executionTimeoutSeconds?: number | undefined;
  /** How long the job may exist from its request on, queue included, in seconds. */
  readonly ttlSeconds?: number | undefined;
  /** Whether other jobs go first. */
  readonly lowPriority?: boolean | undefined;
}

/** How a job is named in calls. */
export interface JobReference {
  readonly endpoint: string;
  readonly id: string;
}

/** A job as the provider sees it. */
export interface Job extends JobReference {
  readonly status: JobStatus;
  /** What the worker returned. */
  readonly output?: unknown;
  /** What went wrong, in the worker's words. */
  readonly error?: string;
  /** How long it waited for a worker, in seconds. */
  readonly delaySeconds?: number;
  /** How long it ran, in seconds. */
  readonly executionSeconds?: number;
}

/** How an endpoint does: numbers of jobs and workers. */
export interface JobHealth {
  readonly jobs: {
    readonly completed: number;
    readonly failed: number;
    readonly inProgress: number;
    readonly inQueue: number;
    readonly retried: number;
  };
  /** Numbers of workers by their state, in the provider's words. */
  readonly workers: Readonly<Record<string, number>>;
}

/** Serverless jobs, for a provider that has them. */
export interface JobRunner {
  /**
   * Starts one job, in one attempt.
   * @throws VALIDATION when the request is not valid or too large.
   * @throws PROVIDER, TIMEOUT, TRANSPORT, UNAVAILABLE with `mayHaveCreated` when the job may run all the same.
   */
  runJob(request: JobRequest, context: CallContext): Promise<Job>;

  /** The job as it is now; `undefined` when the provider says that it does not exist (any more). Idempotent. */
  getJob(reference: JobReference, context: CallContext): Promise<Job | undefined>;

  /**
   * Asks for the end of the job. One that has ended already is answered as it ended. Idempotent.
   * @throws NOT_FOUND when there is no such job.
   */
  cancelJob(reference: JobReference, context: CallContext): Promise<Job>;

  /**
   * What the job puts out, piece by piece. Ends when the job is completed.
   * @throws PROVIDER when the job failed, CONFLICT when it was cancelled, TIMEOUT when its time was over, NOT_FOUND when
   * there is no such job.
   */
  streamJob(reference: JobReference, context: CallContext): AsyncIterable<unknown>;

  /** How the endpoint does. Idempotent. */
  jobHealth(endpoint: string, context: CallContext): Promise<JobHealth>;
}
