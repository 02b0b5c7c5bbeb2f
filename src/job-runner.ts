/**
 * The contract of serverless jobs, for a provider that has them. The comments are the laws.
 */
import type { CallContext } from "./call-context.ts";

/** The state of a job. Only `in_queue` and `in_progress` change again. */
export type JobStatus = "in_queue" | "in_progress" | "completed" | "failed" | "cancelled" | "timed_out";

/** A job for a serverless endpoint. */
export interface JobRequest {
  /** The endpoint's id at the provider. */
  readonly endpoint: string;
  /** The input of the worker. */
  readonly input: unknown;
  /** `sync` waits for the result, `async` resolves as soon as the job is in the queue. @default "async" */
  readonly mode?: "async" | "sync" | undefined;
  /** The longest wait of `sync`, in seconds. A job that takes longer continues, and the call returns its present state. @default 90 */
  readonly waitSeconds?: number | undefined;
  /** A URL that the provider calls with the finished job. */
  readonly webhook?: string | undefined;
  readonly policy?: JobPolicy | undefined;
}

/** Limits of one job. */
export interface JobPolicy {
  /** The longest run of the job, in seconds. @default the endpoint's own */
  readonly executionTimeoutSeconds?: number | undefined;
  /** The longest life of the job from its request on, queue included, in seconds. */
  readonly ttlSeconds?: number | undefined;
  /** True lets other jobs go first. */
  readonly lowPriority?: boolean | undefined;
}

/** The endpoint and the id that identify a job. */
export interface JobReference {
  readonly endpoint: string;
  readonly id: string;
}

/** A job as the provider sees it. */
export interface Job extends JobReference {
  readonly status: JobStatus;
  /** The result of the worker. */
  readonly output?: unknown;
  /** The worker's error message. */
  readonly error?: string;
  /** The wait for a worker, in seconds. */
  readonly delaySeconds?: number;
  /** The running time, in seconds. */
  readonly executionSeconds?: number;
}

/** The health of an endpoint: numbers of jobs and workers. */
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
   * Starts one job, in one attempt, and resolves with its id as soon as the provider has it, whatever the mode: the client waits for the
   * result of a `sync` job by `getJob`, so that no lost answer takes the id with it.
   * @throws VALIDATION when the request is not valid or too large.
   * @throws PROVIDER, TIMEOUT, TRANSPORT, UNAVAILABLE with `mayHaveCreated` when the job may run nevertheless.
   */
  runJob(request: JobRequest, context: CallContext): Promise<Job>;

  /** The job as it is now; `undefined` when the provider says that it does not exist (any more). Idempotent. */
  getJob(reference: JobReference, context: CallContext): Promise<Job | undefined>;

  /**
   * Asks the provider to cancel the job. For a job that has already ended it returns the final state. Idempotent.
   * @throws NOT_FOUND when there is no such job.
   */
  cancelJob(reference: JobReference, context: CallContext): Promise<Job>;

  /**
   * Yields the output of the job, every piece once. Ends when the job is completed. A failure that may have taken pieces with it is thrown.
   * @throws PROVIDER when the job failed, CONFLICT when it was cancelled, TIMEOUT when its time was over, NOT_FOUND when
   * there is no such job.
   */
  streamJob(reference: JobReference, context: CallContext): AsyncIterable<unknown>;

  /** Reads the health of the endpoint. Idempotent. */
  jobHealth(endpoint: string, context: CallContext): Promise<JobHealth>;
}
