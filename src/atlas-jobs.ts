/** The client's operations on serverless jobs. */
import { AtlasCosts } from "./atlas-costs.ts";
import type { JobHealth } from "./job-runner.ts";
import type { Context } from "./lifecycle/context.ts";
import type { AtlasJob, JobAddress, RunJobRequest } from "./lifecycle/jobs.ts";
import { loadLifecycle } from "./load-lifecycle.ts";

/** The part of a client that runs jobs. */
export abstract class AtlasJobs extends AtlasCosts {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    super(context);
    this.#context = context;
  }

  /**
   * Starts a serverless job. A job is not a compute: it is neither recorded nor reaped, and the provider ends it.
   * @throws VALIDATION, UNSUPPORTED when no configured provider runs jobs, and the provider's refusals
   */
  async runJob(request: RunJobRequest): Promise<AtlasJob> {
    const { runJob } = await loadLifecycle();
    return runJob(this.#context, request);
  }

  /** Reads a job. @throws NOT_FOUND, UNSUPPORTED */
  async getJob(job: JobAddress): Promise<AtlasJob> {
    const { getJob } = await loadLifecycle();
    return getJob(this.#context, job);
  }

  /** Asks for the end of a job. @throws NOT_FOUND, UNSUPPORTED */
  async cancelJob(job: JobAddress): Promise<AtlasJob> {
    const { cancelJob } = await loadLifecycle();
    return cancelJob(this.#context, job);
  }

  /**
   * Reads the output of a job, piece by piece, until the job is completed.
   * @throws PROVIDER when it failed, CONFLICT when it was cancelled, TIMEOUT when it ran out of time
   */
  async *streamJob(
    job: JobAddress,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<unknown, void, undefined> {
    const { streamJob } = await loadLifecycle();
    yield* streamJob(this.#context, job, options.signal);
  }

  /** Counts the jobs and the workers of a serverless endpoint by state. @throws UNSUPPORTED */
  async jobHealth(endpoint: {
    readonly provider?: string | undefined;
    readonly endpoint: string;
  }): Promise<JobHealth> {
    const { jobHealth } = await loadLifecycle();
    return jobHealth(this.#context, endpoint);
  }
}
