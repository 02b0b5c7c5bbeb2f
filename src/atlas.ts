/** The client: everything an application does with computes. */
import * as z from "zod/mini";
import { type AtlasOptions, toEnvironment } from "./atlas-options.ts";
import { hashToken } from "./auth/index.ts";
import { Compute } from "./compute.ts";
import { ComputeList, type ComputePage } from "./compute-list.ts";
import { type SignOptions, signedUrl } from "./compute-url.ts";
import { AtlasError } from "./errors.ts";
import { field, optional, parseFields } from "./internal/parse.ts";
import { callProvider } from "./lifecycle/call.ts";
import { costSoFar, isEnded, loadRecord } from "./lifecycle/change.ts";
import type { Environment } from "./lifecycle/environment.ts";
import { type EventOptions, followEvents } from "./lifecycle/follow.ts";
import { type LogsOptions, readLogs } from "./lifecycle/logs.ts";
import { start, stop, touch } from "./lifecycle/power.ts";
import { type ReapOptions, type ReapReport, reap } from "./lifecycle/reap.ts";
import { type ReaperOptions, startReaper } from "./lifecycle/reaper.ts";
import { type SpawnOptions, spawn } from "./lifecycle/spawn.ts";
import { terminate } from "./lifecycle/terminate.ts";
import type { GpuType, LogLine } from "./provider.ts";
import type { SpawnRequest } from "./request.ts";
import { type ComputeEvent, type ComputeRecord, type ComputeStatus, liveStatuses } from "./store.ts";

/** Which computes to list; what is left out does not filter. */
export interface ListOptions {
  readonly userId?: string | undefined;
  readonly status?: ComputeStatus | readonly ComputeStatus[] | undefined;
  readonly provider?: string | undefined;
  /** Computes a page, 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined;
}

const STATUSES = [...liveStatuses, "terminated", "failed"] as const;
const status = z.enum(STATUSES);
const LIST_FIELDS = {
  userId: optional(field(z.string(), "a string")),
  status: optional(field(z.union([status, z.array(status)]), `${STATUSES.join(", ")}, or an array of them`)),
  provider: optional(field(z.string(), "a string")),
  limit: optional(field(z.int().check(z.minimum(1), z.maximum(1000)), "a whole number from 1 to 1000")),
  cursor: optional(
    field(z.nullable(z.string().check(z.regex(/^[0-9]{1,16}\.[0-9a-z]{1,40}$/))), "the nextCursor of a page"),
  ),
};

/** A client; made by {@link createAtlas}. */
export class Atlas implements AsyncDisposable {
  readonly #environment: Environment;

  /** @internal */
  constructor(environment: Environment) {
    this.#environment = environment;
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
    const { record, secrets, raw } = await spawn(this.#environment, request, options);
    const owned = Object.keys(secrets).length > 0 || record.authSchemes.length === 0;
    return this.#handle(record, record.updatedAt, { secrets, raw, owned });
  }

  /** The handle of a compute, as it is recorded. @throws NOT_FOUND */
  async getCompute(id: string): Promise<Compute> {
    const { record, now } = await loadRecord(this.#environment, id);
    return this.#handle(record, now);
  }

  /** Computes, newest first: `await` it for a page, or iterate it for all. */
  listComputes(options: ListOptions = {}): ComputeList {
    const {
      cursor = null,
      limit = 100,
      ...filter
    } = parseFields("The options of listComputes", LIST_FIELDS, options);
    return new ComputeList(async (next) => this.#page(filter, limit, next ?? cursor));
  }

  /** Notes a sign of life of the compute's user: its idle deadline moves. @throws NOT_FOUND, CONFLICT when it has ended or is ending */
  async touch(id: string): Promise<Compute> {
    return this.#changed(touch(this.#environment, id));
  }

  /** Stops a running compute so that {@link Atlas.start} can bring it back; its disk may go on costing. @throws NOT_FOUND, UNSUPPORTED, CONFLICT */
  async stop(id: string): Promise<Compute> {
    return this.#changed(stop(this.#environment, id));
  }

  /** Starts a stopped compute. @throws NOT_FOUND, UNSUPPORTED, CONFLICT, CAPACITY when its host has no room */
  async start(id: string): Promise<Compute> {
    return this.#changed(start(this.#environment, id));
  }

  /**
   * Ends a compute. The intent is stored first and survives every failure. The handle says `terminated` when the provider has shown that
   * the instance is gone, else `terminating`: the reaper then goes on, and `lastError` says what failed. @throws NOT_FOUND
   */
  async terminate(id: string): Promise<Compute> {
    return this.#changed(terminate(this.#environment, id, "requested"));
  }

  /** Log lines of a compute, oldest first. @throws NOT_FOUND, UNSUPPORTED */
  logs(id: string, options: LogsOptions = {}): AsyncIterable<LogLine> {
    return readLogs(this.#environment, id, options);
  }

  /**
   * Events of a compute, oldest first, also those that other processes write; goes on until the compute has ended or the signal aborts.
   * @throws NOT_FOUND
   */
  events(id: string, options: EventOptions = {}): AsyncIterable<ComputeEvent> {
    return followEvents(this.#environment, id, options);
  }

  /** Whether this is a token that opens the compute now. Any candidate that is no such token, of whatever type, is only ever false. */
  async verifyToken(id: string, candidate: unknown): Promise<boolean> {
    return (await this.#byToken(candidate))?.record.id === id;
  }

  /** The live compute that this token opens. */
  async findByToken(candidate: unknown): Promise<Compute | undefined> {
    const found = await this.#byToken(candidate);
    return found && this.#handle(found.record, found.now);
  }

  /**
   * A URL that opens one path of a compute's port for a while.
   * @throws NOT_FOUND, VALIDATION, KEY_UNAVAILABLE without `signingKey`
   */
  async signUrl(id: string, port: number, path: string, options: SignOptions = {}): Promise<string> {
    const { record } = await loadRecord(this.#environment, id);
    return signedUrl(this.#environment, record, { port, path, options });
  }

  /** Does a page of everything that is due; made for a cron route, safe from several places at once. */
  reap(options: ReapOptions = {}): Promise<ReapReport> {
    return reap(this.#environment, options);
  }

  /** Reaps again and again, for a long-lived process; disposing it waits for the pass that is under way. */
  startReaper(options: ReaperOptions = {}): AsyncDisposable {
    return startReaper(this.#environment, options);
  }

  /** What the providers offer now, with price and stock. Providers without a catalogue are left out. */
  async listGpuTypes(): Promise<readonly GpuType[]> {
    const environment = this.#environment;
    const { requestTimeoutSeconds: timeoutSeconds } = environment.timing;
    const lists = environment.providers.map(async (provider) => {
      const list = provider.listGpuTypes?.bind(provider);
      if (list === undefined) return [];
      return callProvider(environment, { provider, operation: "listGpuTypes", timeoutSeconds }, list);
    });
    return (await Promise.all(lists)).flat();
  }

  /** Lets go of connections and timers. Ends no compute. */
  async close(): Promise<void> {
    const { providers, store } = this.#environment;
    await Promise.all(providers.map((provider) => provider.close?.()));
    await store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #changed(change: Promise<ComputeRecord>): Promise<Compute> {
    const record = await change;
    return this.#handle(record, record.updatedAt);
  }

  #handle(
    record: ComputeRecord,
    now: Date,
    parts: Partial<ConstructorParameters<typeof Compute>[0]> = {},
  ): Compute {
    const cost = record.costPerHour === null ? null : costSoFar(record, now);
    return new Compute({ environment: this.#environment, record, costSoFar: cost, ...parts });
  }

  async #byToken(candidate: unknown): ReturnType<Environment["store"]["getByTokenHash"]> {
    if (typeof candidate !== "string" || !/^[\x21-\x7e]{1,4096}$/.test(candidate)) return undefined;
    const { store, namespace } = this.#environment;
    const found = await store.getByTokenHash(namespace, hashToken(candidate), "user");
    return found !== undefined && !isEnded(found.record.status) ? found : undefined;
  }

  async #page(
    { status: wanted, ...filter }: Pick<ListOptions, "userId" | "provider" | "status">,
    limit: number,
    cursor: string | null,
  ): Promise<Omit<ComputePage, typeof Symbol.asyncIterator>> {
    const { store, namespace } = this.#environment;
    const statuses = wanted === undefined ? {} : { statuses: [wanted].flat() };
    const after = cursor === null ? {} : { after: fromCursor(cursor) };
    const records = await store.list(
      { namespace, ...defined(filter), ...statuses },
      { limit: limit + 1, ...after },
    );
    const now = await store.now();
    const computes = records.slice(0, limit).map((record) => this.#handle(record, now));
    const last = computes.at(-1);
    return { computes, nextCursor: records.length > limit && last !== undefined ? toCursor(last) : null };
  }
}

function defined({ userId, provider }: Pick<ListOptions, "userId" | "provider">): {
  userId?: string;
  provider?: string;
} {
  return { ...(userId === undefined ? {} : { userId }), ...(provider === undefined ? {} : { provider }) };
}

function toCursor({ createdAt, id }: Compute): string {
  return `${createdAt.getTime()}.${id}`;
}

function fromCursor(cursor: string): { createdAt: Date; id: string } {
  const [time, id] = cursor.split(".");
  if (time === undefined || id === undefined)
    throw new AtlasError("VALIDATION", "the cursor is not one that a page gave out");
  return { createdAt: new Date(Number(time)), id };
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
  return new Atlas(toEnvironment(options));
}
