/** The client: everything an application does with computes. */
import { type AtlasOptions, toContext } from "./atlas-options.ts";
import { Compute } from "./compute.ts";
import { ComputeList } from "./compute-list.ts";
import { type SignOptions, signedUrl } from "./compute-url.ts";
import type { JobHealth } from "./job-runner.ts";
import type { Context } from "./lifecycle/context.ts";
import type { EventOptions } from "./lifecycle/events.ts";
import type { AtlasJob, JobAddress, RunJobRequest } from "./lifecycle/jobs.ts";
import type { ListOptions } from "./lifecycle/list.ts";
import type { LogsOptions } from "./lifecycle/logs.ts";
import type { ReapOptions, ReapReport } from "./lifecycle/reap/reap.ts";
import { type Reaper, type ReaperOptions, startReaper } from "./lifecycle/reap/reaper.ts";
import { costSoFar } from "./lifecycle/record/facts.ts";
import type { ReportKind } from "./lifecycle/reports.ts";
import type { SpawnOptions } from "./lifecycle/spawn/spawn.ts";
import type { RotatedToken, RotateOptions } from "./lifecycle/tokens.ts";
import type { GpuType, LogLine } from "./provider.ts";
import type { SpawnRequest } from "./request.ts";
import type { ComputeEvent, ComputeRecord } from "./store.ts";

type Lifecycle = typeof import("./lifecycle/index.ts");

let loading: Promise<Lifecycle> | undefined;

/** Loads it at the first call, so that importing the package stays cheap. */
function load(): Promise<Lifecycle> {
  loading ??= import("./lifecycle/index.ts");
  return loading;
}

/** A client; made by {@link createAtlas}. */
export class Atlas implements AsyncDisposable {
  readonly #context: Context;
  readonly #reapers: Reaper[] = [];

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Spawns a compute and returns its handle, the only one that ever has the raw token, as soon as the provider gave an id.
   * @throws VALIDATION for a request that is not valid, before any provider is called and with nothing stored.
   * @throws LIMIT_EXCEEDED when it would break one of `limits`.
   * @throws CAPACITY, QUOTA, UNSUPPORTED when nobody can place it; `candidates` lists who was asked.
   * @throws AUTH_ERROR, BILLING, RATE_LIMIT and others when a provider's answer ends the walk. Nothing was created then.
   * @throws UNCERTAIN when nobody knows whether it was created; `computeId` is watched by the reaper. Do not retry.
   * @throws CONFLICT for an idempotencyKey that was used with another request.
   * @throws the signal's reason when it aborts before anything was created.
   */
  async spawnCompute(request: SpawnRequest, options: SpawnOptions = {}): Promise<Compute> {
    const { spawn } = await load();
    const { record, secrets, raw, isNew } = await spawn(this.#context, request, options);
    return this.#handle(record, record.updatedAt, { secrets, raw, owned: isNew });
  }

  /** The handle of a compute, as it is recorded. @throws NOT_FOUND */
  async getCompute(id: string): Promise<Compute> {
    const { loadRecord } = await load();
    const { record, now } = await loadRecord(this.#context, id);
    return this.#handle(record, now);
  }

  /** Computes, newest first: `await` it for a page, or iterate it for all. */
  listComputes(options: ListOptions = {}): ComputeList {
    return new ComputeList(async (cursor) => {
      const { pageReader } = await load();
      const { records, now, nextCursor } = await pageReader(this.#context, options)(cursor);
      return { computes: records.map((record) => this.#handle(record, now)), nextCursor };
    });
  }

  /** Notes a sign of life of the compute's user: its idle deadline moves. @throws NOT_FOUND, CONFLICT when it has ended or is ending */
  async touch(id: string): Promise<Compute> {
    return this.#changed(({ touch }) => touch(this.#context, id));
  }

  /** Stops a running compute so that {@link Atlas.start} can bring it back; its disk may go on costing. @throws NOT_FOUND, UNSUPPORTED, CONFLICT */
  async stop(id: string): Promise<Compute> {
    return this.#changed(({ stop }) => stop(this.#context, id));
  }

  /** Starts a stopped compute. @throws NOT_FOUND, UNSUPPORTED, CONFLICT, CAPACITY when its host has no room */
  async start(id: string): Promise<Compute> {
    return this.#changed(({ start }) => start(this.#context, id));
  }

  /**
   * Ends a compute. The intent is stored first and survives every failure. The handle says `terminated` when the provider has shown that
   * the instance is gone, else `terminating`: the reaper then goes on, and `lastError` says what failed. @throws NOT_FOUND
   */
  async terminate(id: string): Promise<Compute> {
    return this.#changed(({ terminate }) => terminate(this.#context, id, "requested"));
  }

  /** Log lines of a compute, oldest first. @throws NOT_FOUND, UNSUPPORTED */
  async *logs(id: string, options: LogsOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const { readLogs } = await load();
    yield* readLogs(this.#context, id, options);
  }

  /**
   * Events of a compute, oldest first, also those that other processes write; goes on until the compute has ended or the signal aborts.
   * @throws NOT_FOUND
   */
  async *events(id: string, options: EventOptions = {}): AsyncGenerator<ComputeEvent, void, undefined> {
    const { followEvents } = await load();
    yield* followEvents(this.#context, id, options);
  }

  /** Whether this is a token that opens the compute now. Any candidate that is no such token, of whatever type, is only ever false. */
  async verifyToken(id: string, candidate: unknown): Promise<boolean> {
    const { findByToken } = await load();
    const found = await findByToken(this.#context, candidate, "user");
    return found !== undefined && found.record.id === id;
  }

  /** The live compute that this token opens. */
  async findByToken(candidate: unknown): Promise<Compute | undefined> {
    const { findByToken } = await load();
    const found = await findByToken(this.#context, candidate, "user");
    return found && this.#handle(found.record, found.now);
  }

  /** The live compute whose pod calls with this credential (`ATLAS_POD_TOKEN`). */
  async findByPodToken(candidate: unknown): Promise<Compute | undefined> {
    const { findByToken } = await load();
    const found = await findByToken(this.#context, candidate, "pod");
    return found && this.#handle(found.record, found.now);
  }

  /**
   * A new token for a running compute, told once. The old ones stay valid for the overlap; the pod's guard learns the new hash from the answer to
   * its next heartbeat, everybody who asks this client at once.
   * @throws NOT_FOUND, CONFLICT when it has ended, VALIDATION when it takes no bearer token
   */
  async rotateToken(id: string, options: RotateOptions = {}): Promise<RotatedToken> {
    const { rotateToken } = await load();
    return rotateToken(this.#context, id, options);
  }

  /** Takes back every token of the compute's user. @throws NOT_FOUND, CONFLICT, VALIDATION as {@link Atlas.rotateToken} */
  async revokeToken(id: string): Promise<Compute> {
    return this.#changed(({ revokeToken }) => revokeToken(this.#context, id));
  }

  /** Records what the compute's pod reports of itself. @throws NOT_FOUND */
  async recordReport(
    id: string,
    kind: ReportKind,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Compute> {
    return this.#changed(({ recordReport }) => recordReport(this.#context, id, kind, body));
  }

  /**
   * Starts a serverless job. Jobs are not computes: they are neither recorded nor reaped, the provider ends them.
   * @throws VALIDATION, UNSUPPORTED when no configured provider runs jobs, and the provider's refusals
   */
  async runJob(request: RunJobRequest): Promise<AtlasJob> {
    const { runJob } = await load();
    return runJob(this.#context, request);
  }

  /** A job as it is now. @throws NOT_FOUND, UNSUPPORTED */
  async getJob(job: JobAddress): Promise<AtlasJob> {
    const { getJob } = await load();
    return getJob(this.#context, job);
  }

  /** Asks for the end of a job. @throws NOT_FOUND, UNSUPPORTED */
  async cancelJob(job: JobAddress): Promise<AtlasJob> {
    const { cancelJob } = await load();
    return cancelJob(this.#context, job);
  }

  /**
   * What a job puts out, piece by piece; ends when the job is completed.
   * @throws PROVIDER when it failed, CONFLICT when it was cancelled, TIMEOUT when its time was over
   */
  async *streamJob(
    job: JobAddress,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<unknown, void, undefined> {
    const { streamJob } = await load();
    yield* streamJob(this.#context, job, options.signal);
  }

  /** How a serverless endpoint does: its jobs and workers by state. @throws UNSUPPORTED */
  async jobHealth(endpoint: {
    readonly provider?: string | undefined;
    readonly endpoint: string;
  }): Promise<JobHealth> {
    const { jobHealth } = await load();
    return jobHealth(this.#context, endpoint);
  }

  /**
   * A URL that opens one path of a compute's port for a while.
   * @throws NOT_FOUND, VALIDATION, KEY_UNAVAILABLE without `signingKey`
   */
  async signUrl(id: string, port: number, path: string, options: SignOptions = {}): Promise<string> {
    const { loadRecord } = await load();
    const { record } = await loadRecord(this.#context, id);
    return signedUrl(this.#context, record, { port, path, options });
  }

  /** Does a page of everything that is due; made for a cron route, safe from several places at once. */
  async reap(options: ReapOptions = {}): Promise<ReapReport> {
    const { reap } = await load();
    return reap(this.#context, options);
  }

  /** Starts a reaper in a long-lived process. Its `stop()` waits for the pass under way; `close()` stops it too. */
  startReaper(options: ReaperOptions = {}): Reaper {
    const reaper = startReaper(this.#context, () => this.reap(), options);
    this.#reapers.push(reaper);
    return reaper;
  }

  /** What the providers offer now, with price and stock. Providers without a catalogue are left out. */
  async listGpuTypes(): Promise<readonly GpuType[]> {
    const { listGpuTypes } = await load();
    return listGpuTypes(this.#context);
  }

  /** Stops its reapers, and lets go of connections and timers. Ends no compute. */
  async close(): Promise<void> {
    const { providers, store, tenantId } = this.#context;
    await Promise.all(this.#reapers.map((reaper) => reaper.stop()));
    const closed = await Promise.allSettled(providers.map(async (provider) => provider.close?.()));
    if (tenantId === null) await store.close();
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }

  /** Closes the client: see {@link Atlas.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #changed(change: (lifecycle: Lifecycle) => Promise<ComputeRecord>): Promise<Compute> {
    const record = await change(await load());
    return this.#handle(record, record.updatedAt);
  }

  #handle(
    record: ComputeRecord,
    now: Date,
    parts: Partial<ConstructorParameters<typeof Compute>[0]> = {},
  ): Compute {
    const cost = record.costPerHour === null ? null : costSoFar(record, now);
    return new Compute({ context: this.#context, record, costSoFar: cost, ...parts });
  }
}

/**
 * Makes a client.
 * @throws VALIDATION naming each option that is wrong, what came and what is allowed.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { runpod } from "atlas-compute/runpod";
 * import { sqliteStore } from "atlas-compute/sqlite";
 *
 * const atlas = createAtlas({ providers: [runpod()], store: sqliteStore("./atlas.db") });
 * const compute = await atlas.spawnCompute({ gpu: "h100", image: "ghcr.io/me/server:1", ports: [8000], userId: "user_42" });
 * await compute.waitUntilReady({ path: "/healthz" });
 * ```
 */
export function createAtlas(options: AtlasOptions): Atlas {
  return new Atlas(toContext(options));
}
