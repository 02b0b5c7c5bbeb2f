/** The client: every operation of an application on its computes. */
import { type AtlasOptions, toContext } from "./atlas-options.ts";
import { AtlasTotals } from "./atlas-totals.ts";
import type { Compute, ComputeParts, SpawnedCompute } from "./compute.ts";
import { type ComputeList, computeList } from "./compute-list.ts";
import { hinted } from "./gpu-hint.ts";
import type { ActOptions } from "./lifecycle/actor.ts";
import type { Context } from "./lifecycle/context.ts";
import type { EventOptions } from "./lifecycle/events.ts";
import type { ExtendOptions } from "./lifecycle/extend.ts";
import type { GetOrSpawnRequest } from "./lifecycle/get-or-spawn.ts";
import type { ListOptions } from "./lifecycle/list.ts";
import type { LogsOptions } from "./lifecycle/logs.ts";
import type { ReaperOptions } from "./lifecycle/reap/loop.ts";
import type { ReapOptions, ReapReport } from "./lifecycle/reap/reap.ts";
import { type Reaper, startReaper } from "./lifecycle/reap/reaper.ts";
import type { ReportKind } from "./lifecycle/reports.ts";
import type { SpawnOptions } from "./lifecycle/spawn/spawn.ts";
import type { RotatedToken, RotateOptions } from "./lifecycle/tokens.ts";
import { type Lifecycle, loadLifecycle } from "./load-lifecycle.ts";
import type { GpuType, LogLine } from "./provider.ts";
import type { AuthInput, SpawnRequest } from "./request.ts";
import type { ComputeEvent, ComputeRecord } from "./store.ts";

/** Kept, because each further import would cost a resolution. */
let handleModule: Promise<typeof import("./compute.ts")> | undefined;

/** A client; made by {@link createAtlas}. */
export class Atlas extends AtlasTotals implements AsyncDisposable {
  readonly #context: Context;
  readonly #reapers: Reaper[] = [];

  /** @internal */
  constructor(context: Context) {
    super(context);
    this.#context = context;
  }

  /** The URL at which pods reach the application's control plane; `undefined` without one. */
  get controlUrl(): string | undefined {
    return this.#context.controlUrl;
  }

  /**
   * Spawns a compute. Returns its handle as soon as the provider gave an id; no other handle has the raw token.
   * @throws VALIDATION for a request that is not valid, before any provider is called and with nothing stored.
   * @throws LIMIT_EXCEEDED when it would break one of `limits`.
   * @throws CAPACITY, QUOTA, UNSUPPORTED when no provider can place it; `candidates` lists the refusals.
   * @throws AUTH_ERROR, BILLING, RATE_LIMIT and others when a provider's answer ends the search. Nothing was created then.
   * @throws UNCERTAIN when the outcome of the create is unknown; the reaper watches `computeId`. Do not retry.
   * @throws CONFLICT for an idempotencyKey that was used with another request.
   * @throws the signal's reason when it aborts before anything was created.
   */
  async spawnCompute<
    const Auth extends AuthInput | undefined = "bearer",
    const Key extends string | undefined = undefined,
  >(
    request: SpawnRequest & { readonly auth?: Auth; readonly idempotencyKey?: Key },
    options: SpawnOptions = {},
  ): Promise<SpawnedCompute<Auth, Key>> {
    const { spawn } = await loadLifecycle();
    const { record, secrets, raw, isNew } = await hinted(
      spawn(this.#context, request, options),
      request?.gpu,
    );
    const handle = await this.#handle(record, record.updatedAt, { secrets, raw, owned: isNew });
    // The request chose the schemes, and only a repeated idempotency key returns a handle without their secrets.
    return handle as SpawnedCompute<Auth, Key>;
  }

  /**
   * The user's live compute of a slot, or a new one, whatever else races for it: all callers at once get the same compute, and `isNew` tells the
   * one that spawned it. A found compute is answered as it is, also one that another request spawned or that is `stopped`; one that is
   * `pending`, `uncertain` or `terminating` is waited for, `timing.lookupSeconds` at most.
   * @throws UNCERTAIN when the slot's compute is still `pending` or `uncertain` after the wait; CONFLICT, `retryable`, when it is still ending.
   * @throws VALIDATION without `userId`, or with an `idempotencyKey`; else as {@link Atlas.spawnCompute}.
   *
   * @example
   * ```ts
   * import { createAtlas } from "atlas-compute";
   * import { mock } from "atlas-compute/mock";
   *
   * const atlas = createAtlas({ providers: [mock()] });
   * const compute = await atlas.getOrSpawn({ userId: "user_42", slot: "notebook", gpu: "h100", ports: [8000] });
   * const again = await atlas.getOrSpawn({ userId: "user_42", slot: "notebook", gpu: "h100", ports: [8000] });
   * console.log(again.id === compute.id, again.isNew); // true false
   * ```
   */
  async getOrSpawn(request: GetOrSpawnRequest, options: SpawnOptions = {}): Promise<Compute> {
    const { getOrSpawn } = await loadLifecycle();
    const { record, secrets, raw, isNew } = await hinted(
      getOrSpawn(this.#context, request, options),
      request?.gpu,
    );
    return this.#handle(record, record.updatedAt, { secrets, raw, owned: isNew });
  }

  /** Reads a compute. @throws NOT_FOUND */
  async getCompute(id: string): Promise<Compute> {
    const { loadRecord } = await loadLifecycle();
    const { record, now } = await loadRecord(this.#context, id);
    return this.#handle(record, now);
  }

  /** Lists computes, newest first: `await` it for a page, or iterate it for all. @throws VALIDATION */
  listComputes(options: ListOptions = {}): ComputeList {
    return computeList(async (cursor) => {
      const { pageReader } = await loadLifecycle();
      const { records, now, nextCursor } = await pageReader(this.#context, options)(cursor);
      const computes = await Promise.all(records.map((record) => this.#handle(record, now)));
      return { computes, nextCursor };
    });
  }

  /** Notes a sign of life of the compute's user: its idle deadline moves. @throws NOT_FOUND, CONFLICT when it has ended or is ending */
  async touch(id: string, options?: ActOptions): Promise<Compute> {
    return this.#changed(({ touch }) => touch(this.#context, id, options));
  }

  /**
   * Moves the planned ends of a compute away: its lifetime grows by these seconds, up to the request's `maxExtendedLifetimeSeconds`, and it does not
   * idle for them. @throws NOT_FOUND, VALIDATION, CONFLICT when nothing can move, or it has ended or is ending
   */
  async extend(id: string, options: ExtendOptions): Promise<Compute> {
    return this.#changed(({ extend }) => extend(this.#context, id, options));
  }

  /** Stops a running compute so that {@link Atlas.start} can bring it back; its disk may continue to cost money. @throws NOT_FOUND, UNSUPPORTED, CONFLICT */
  async stop(id: string, options?: ActOptions): Promise<Compute> {
    return this.#changed(({ stop }) => stop(this.#context, id, options));
  }

  /** Starts a stopped compute. @throws NOT_FOUND, UNSUPPORTED, CONFLICT, CAPACITY when its host has no room */
  async start(id: string, options?: ActOptions): Promise<Compute> {
    return this.#changed(({ start }) => start(this.#context, id, options));
  }

  /**
   * Ends a compute. The intent is stored first and survives every failure. The handle shows `terminated` when the provider has confirmed that
   * the instance is gone, else `terminating`: the reaper then continues, and `lastError` holds the failure. @throws NOT_FOUND
   */
  async terminate(id: string, options?: ActOptions): Promise<Compute> {
    return this.#changed(({ terminate }) => terminate(this.#context, id, options));
  }

  /** Reads log lines of a compute, oldest first. @throws NOT_FOUND, UNSUPPORTED */
  async *logs(id: string, options: LogsOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const { readLogs } = await loadLifecycle();
    yield* readLogs(this.#context, id, options);
  }

  /**
   * Follows the events of a compute, oldest first, also those that other processes write, until it has ended or the signal aborts.
   * @throws NOT_FOUND
   */
  async *events(id: string, options: EventOptions = {}): AsyncGenerator<ComputeEvent, void, undefined> {
    const { followEvents } = await loadLifecycle();
    yield* followEvents(this.#context, id, options);
  }

  /** Tells whether this token opens the compute now. Any other candidate, of any type, is `false` and never an error. */
  async verifyToken(id: string, candidate: unknown): Promise<boolean> {
    const { findByToken } = await loadLifecycle();
    const found = await findByToken(this.#context, candidate, "user");
    return found !== undefined && found.record.id === id;
  }

  /** Finds the live compute that this token opens. */
  async findByToken(candidate: unknown): Promise<Compute | undefined> {
    const { findByToken } = await loadLifecycle();
    const found = await findByToken(this.#context, candidate, "user");
    return found && this.#handle(found.record, found.now);
  }

  /** Finds the live compute whose pod calls with this credential (`ATLAS_POD_TOKEN`). */
  async findByPodToken(candidate: unknown): Promise<Compute | undefined> {
    const { findByToken } = await loadLifecycle();
    const found = await findByToken(this.#context, candidate, "pod");
    return found && this.#handle(found.record, found.now);
  }

  /**
   * Makes a new token for a running compute and returns it once. All others, added ones too, stay valid for the overlap. The new one works at
   * once: the pod's guard asks for tokens that it does not know.
   * @throws NOT_FOUND, CONFLICT when it has ended, VALIDATION when it takes no bearer token
   */
  async rotateToken(id: string, options: RotateOptions = {}): Promise<RotatedToken> {
    const { rotateToken } = await loadLifecycle();
    const { record: _, ...rotated } = await rotateToken(this.#context, id, options);
    return rotated;
  }

  /**
   * Makes one more token for a running compute, for a page that was reloaded or a second device, and returns it once. All others stay valid;
   * of 16 live tokens, the oldest that this method made ends.
   * @throws NOT_FOUND, CONFLICT, VALIDATION as {@link Atlas.rotateToken}
   */
  async addToken(id: string): Promise<RotatedToken> {
    const { addToken } = await loadLifecycle();
    const { record: _, ...added } = await addToken(this.#context, id);
    return added;
  }

  /**
   * Takes back every token of the compute, and with a control plane also every signed URL, folder, link and cookie. The pod's guard learns of it
   * within a minute. Open connections stay open.
   * @throws NOT_FOUND, CONFLICT, VALIDATION when nothing protects it
   */
  async revokeToken(id: string, options?: ActOptions): Promise<Compute> {
    return this.#changed(({ revokeToken }) => revokeToken(this.#context, id, options));
  }

  /** Records a report that the compute's pod sent. @throws NOT_FOUND */
  async recordReport(
    id: string,
    kind: ReportKind,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Compute> {
    return this.#changed(({ recordReport }) => recordReport(this.#context, id, kind, body));
  }

  /** Does a page of the work that is due. A cron route can call it; concurrent calls, also of other processes, are safe. */
  async reap(options: ReapOptions = {}): Promise<ReapReport> {
    const { reap } = await loadLifecycle();
    return reap(this.#context, options);
  }

  /** Starts a reaper in a long-lived process. Its `stop()` waits for the pass under way; `close()` stops it too. */
  startReaper(options: ReaperOptions = {}): Reaper {
    const reaper = startReaper(this.#context, (pass) => this.reap(pass), options);
    this.#reapers.push(reaper);
    return reaper;
  }

  /** Lists the GPU types that the providers offer now, with price and stock; providers without a catalogue are left out. */
  async listGpuTypes(): Promise<readonly GpuType[]> {
    const { listGpuTypes } = await loadLifecycle();
    return listGpuTypes(this.#context);
  }

  /**
   * Does nothing where this process may change its store. Readiness checks and `doctor` ask it: on a copied database no reaper works, and pods cost money.
   * @throws CONFLICT, with both names, where the store belongs to another deployment
   */
  async requireOwnership(): Promise<void> {
    await this.#context.store.requireOwnership();
  }

  /** Stops its reapers, and releases connections and timers. Ends no compute. */
  async close(): Promise<void> {
    const { providers, store, tenantId, webhooks } = this.#context;
    await Promise.all(this.#reapers.map((reaper) => reaper.stop()));
    if (webhooks.length > 0) await (await import("./lifecycle/webhooks/soon.ts")).deliveryEnd(this.#context);
    const closed = await Promise.allSettled(providers.map(async (provider) => provider.close?.()));
    if (tenantId === null) await store.close();
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }

  /** Closes the client: see {@link Atlas.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #changed(change: (lifecycle: Lifecycle) => Promise<ComputeRecord>): Promise<Compute> {
    const record = await change(await loadLifecycle());
    return this.#handle(record, record.updatedAt);
  }

  /** Makes a handle. Its class, with all that signs URLs, is loaded at the first one. */
  async #handle(
    record: ComputeRecord,
    now: Date,
    parts: Pick<ComputeParts, "secrets" | "raw" | "owned"> = {},
  ): Promise<Compute> {
    handleModule ??= import("./compute.ts");
    const { Compute } = await handleModule;
    return new Compute({ context: this.#context, record, now, ...parts });
  }
}

/**
 * Makes a client.
 * @throws VALIDATION naming each wrong option with the received and the allowed values.
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
