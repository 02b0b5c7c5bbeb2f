/** The handle of a compute. */
import { type AuthOf, type ComputeAuth, computeAuth } from "./compute-auth.ts";
import {
  type ComputeFacts,
  type ComputeJson,
  type ComputeSnapshot,
  computeJson,
  endFacts,
  plainFacts,
  times,
} from "./compute-json.ts";
import { type OpenOptions, openingLink, type SignOptions, signedPrefix, signedUrl } from "./compute-links.ts";
import { urlOf } from "./compute-url.ts";
import type { ActOptions } from "./lifecycle/actor.ts";
import type { Context } from "./lifecycle/context.ts";
import type { EventOptions } from "./lifecycle/events.ts";
import type { PodFacts } from "./lifecycle/heartbeat.ts";
import type { LogsOptions } from "./lifecycle/logs.ts";
import type { ComputeSecrets } from "./lifecycle/spawn/secrets.ts";
import type { RotatedToken, RotateOptions } from "./lifecycle/tokens.ts";
import type { WaitOptions } from "./lifecycle/wait.ts";
import { type Lifecycle, loadLifecycle } from "./load-lifecycle.ts";
import type { LogLine } from "./provider.ts";
import type { AuthInput } from "./request.ts";
import { type ComputeEvent, type ComputeRecord, costSoFar, type TokenHash } from "./store.ts";

/** `util.inspect.custom` by its registered name, which `console.log` looks for; `node:util` need not be loaded for it. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** The parts of a handle. */
export interface ComputeParts {
  readonly context: Context;
  readonly record: ComputeRecord;
  /** The store's time of the record. */
  readonly now: Date;
  readonly secrets?: ComputeSecrets;
  readonly raw?: (() => unknown) | undefined;
  /** True when leaving an `await using` block terminates the compute. */
  readonly owned?: boolean;
}

/**
 * A compute. The handle shows it as of the last call: of the call that returned the handle, or of a method of the handle itself, which moves it.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 *
 * const atlas = createAtlas({ providers: [mock()] });
 * const compute = await atlas.spawnCompute({ gpu: "h100", ports: [8000], auth: ["bearer", "signed-url"] });
 * await compute.waitUntilReady();
 * await fetch(compute.url(8000, "/v1"), { headers: compute.auth.headers });
 * compute.signUrl(8000, "/video.m3u8", { expiresInSeconds: 600 });
 * await compute.terminate();
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines exactly the facts of the interface.
export class Compute implements AsyncDisposable {
  static {
    for (const fact of [...plainFacts, ...times, "reports"] as const)
      Object.defineProperty(Compute.prototype, fact, {
        get(this: Compute) {
          return this.#record[fact];
        },
      });
  }

  readonly #context: Context;
  readonly #isNew: boolean;
  #secrets: ComputeSecrets;
  #record: ComputeRecord;
  #now: Date;
  #raw: unknown;
  readonly #makeRaw: (() => unknown) | undefined;
  #owned: boolean;

  /** @internal */
  constructor({ context, record, now, secrets = {}, raw, owned = false }: ComputeParts) {
    this.#context = context;
    this.#record = record;
    this.#now = now;
    this.#secrets = secrets;
    this.#makeRaw = raw;
    this.#isNew = owned;
    this.#owned = owned;
  }

  /** US dollars so far, as of the handle's last call; null when the price is not known. */
  get costSoFar(): number | null {
    return this.costPerHour === null ? null : costSoFar(this.#record, this.#now);
  }
  /** True when the call that returned this handle spawned the compute; false for a repeated idempotencyKey, and on every other handle. */
  get isNew(): boolean {
    return this.#isNew;
  }
  /** Hashes of the user's tokens, each with its end. An expired one may still be listed. */
  get tokens(): readonly Omit<TokenHash, "kind">[] {
    const ofUser = this.#record.tokens.filter(({ kind }) => kind === "user");
    return ofUser.map(({ hash, expiresAt }) => ({ hash, expiresAt }));
  }
  /** The provider's answer to the create, without the values of its env and without the compute's secrets, wherever they stand; `undefined` on a handle that was read from the store. */
  get raw(): unknown {
    this.#raw ??= this.#makeRaw?.();
    return this.#raw;
  }
  /** Its credentials; `undefined` for `auth: "none"`. */
  get auth(): ComputeAuth | undefined {
    return computeAuth(this.#record, this.#secrets);
  }

  /**
   * Returns the URL of a port, with a path.
   * @throws VALIDATION for a port that the request did not name, or a path that does not begin with "/".
   * @throws CONFLICT while the address is not known yet.
   * @throws UNSUPPORTED for a port that only requests with certain headers reach; see {@link Port.headers}.
   */
  url(port: number, path = ""): string {
    return urlOf(this.#record, port, path);
  }

  /**
   * Signs a URL that opens one path of a port for a while, for a client that cannot send headers: `<video>`, `<img>`, a download link.
   * @throws VALIDATION as {@link Compute.url} does, and for a compute that does not take signed URLs.
   * @throws KEY_UNAVAILABLE when neither this handle nor the client has the secret: set `signingKey` in `createAtlas`.
   */
  signUrl(port: number, path: string, options: SignOptions = {}): string {
    const secret = this.#secrets.signingSecret;
    return signedUrl(this.#context, this.#record, { port, path, options, secret });
  }

  /**
   * Signs a folder of a port, for files that name each other by relative links: an HLS playlist, a page with its images. Append a path to the
   * result. It opens GET and HEAD only.
   * @throws VALIDATION for a path that does not end with "/" or holds a query, and as {@link Compute.signUrl} does.
   * @throws KEY_UNAVAILABLE as {@link Compute.signUrl} does.
   */
  signPrefix(port: number, path: string, options: SignOptions = {}): string {
    const secret = this.#secrets.signingSecret;
    return signedPrefix(this.#context, this.#record, { port, path, options, secret });
  }

  /**
   * Signs a link that opens a port in a browser tab: navigate to it, at once. The guard turns it into a cookie and shows the path.
   * @throws VALIDATION for a compute that was spawned without `auth: "cookie"`, and as {@link Compute.url} does.
   * @throws KEY_UNAVAILABLE as {@link Compute.signUrl} does.
   */
  openUrl(port: number, path = "/", options: OpenOptions = {}): string {
    const secret = this.#secrets.signingSecret;
    return openingLink(this.#context, this.#record, { port, path, options, secret });
  }

  /**
   * Waits until the instance runs and its port really answers.
   * @throws TIMEOUT when that takes longer than `timeoutSeconds`, BOOT_FAILED when it can never happen; both with the last log lines.
   * @throws the signal's reason when it aborts.
   */
  async waitUntilReady(options: WaitOptions = {}): Promise<this> {
    return this.#change(({ waitUntilReady }) =>
      waitUntilReady(this.#context, this.#record, this.#secrets, options),
    );
  }

  /** Reads the compute's record again. @throws NOT_FOUND */
  async refresh(): Promise<this> {
    const { loadRecord } = await loadLifecycle();
    const { record, now } = await loadRecord(this.#context, this.id);
    return this.#move(record, now);
  }

  /** Notes a sign of life of its user: the idle deadline moves. @throws NOT_FOUND, CONFLICT when it has ended or is ending */
  async touch(options?: ActOptions): Promise<this> {
    return this.#change(({ touch }) => touch(this.#context, this.id, options));
  }

  /** Moves its planned ends away by these seconds: see {@link Atlas.extend}. @throws NOT_FOUND, VALIDATION, CONFLICT when nothing can move */
  async extend(seconds: number, options: ActOptions = {}): Promise<this> {
    return this.#change(({ extend }) => extend(this.#context, this.id, { ...options, seconds }));
  }

  /** Stops it so that {@link Compute.start} can bring it back; its disk may continue to cost money. @throws NOT_FOUND, UNSUPPORTED, CONFLICT */
  async stop(options?: ActOptions): Promise<this> {
    return this.#change(({ stop }) => stop(this.#context, this.id, options));
  }

  /** Starts it after a stop. @throws NOT_FOUND, UNSUPPORTED, CONFLICT, CAPACITY when its host has no room */
  async start(options?: ActOptions): Promise<this> {
    return this.#change(({ start }) => start(this.#context, this.id, options));
  }

  /** Ends it. The handle then shows `terminated` or `terminating`: see {@link Atlas.terminate}. @throws NOT_FOUND */
  async terminate(options?: ActOptions): Promise<this> {
    return this.#change(({ terminate }) => terminate(this.#context, this.id, options));
  }

  /**
   * Makes a new token, which this handle then has in `auth`; the others end after the overlap. See {@link Atlas.rotateToken}.
   * @throws NOT_FOUND, CONFLICT when it has ended, VALIDATION when it takes no bearer token
   */
  async rotateToken(options: RotateOptions = {}): Promise<RotatedToken> {
    const { rotateToken } = await loadLifecycle();
    const { record, ...rotated } = await rotateToken(this.#context, this.id, options);
    this.#secrets = { ...this.#secrets, token: rotated.token };
    this.#move(record, record.updatedAt);
    return rotated;
  }

  /** Reads its log lines, oldest first. @throws NOT_FOUND, UNSUPPORTED */
  async *logs(options: LogsOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const { readLogs } = await loadLifecycle();
    yield* readLogs(this.#context, this.id, options);
  }

  /**
   * Follows its events, oldest first, until it has ended or the signal aborts. The handle is refreshed before it yields a change of status.
   * @throws NOT_FOUND
   */
  async *events(options: EventOptions = {}): AsyncGenerator<ComputeEvent, void, undefined> {
    const { followEvents } = await loadLifecycle();
    for await (const event of followEvents(this.#context, this.id, options)) {
      if (event.type === "state") await this.refresh();
      yield event;
    }
  }

  /** Keeps the compute when an `await using` block is left. */
  detach(): this {
    this.#owned = false;
    return this;
  }

  /** Terminates a compute that `spawnCompute` returned; does nothing on any other handle, or after {@link Compute.detach}. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#owned) await this.terminate();
  }

  /** Converts it to the JSON that a browser reads: with the planned end, and the store's time, because a browser's clock may be wrong. */
  snapshot(): ComputeSnapshot {
    const { slot } = this.#record;
    return { ...this.toJSON(), slot, ...endFacts(this.#record, this.#now) };
  }

  /** Records the signs of life of its pod, and returns the facts for its guard. Without signs it writes nothing. @internal */
  async heartbeat(signs: readonly string[]): Promise<PodFacts> {
    const { heartbeat } = await loadLifecycle();
    return heartbeat(this.#context, { record: this.#record, now: this.#now }, signs);
  }

  /** Converts it to JSON, without any secret. */
  toJSON(): ComputeJson {
    return computeJson(this);
  }

  /** @internal */
  [INSPECT](): unknown {
    return this.toJSON();
  }

  async #change(change: (lifecycle: Lifecycle) => Promise<ComputeRecord>): Promise<this> {
    const record = await change(await loadLifecycle());
    return this.#move(record, record.updatedAt);
  }

  /** Shows a record, unless a call that overlapped this one has shown a later version. An unchanged record may be older than the last look at it. */
  #move(record: ComputeRecord, now: Date): this {
    if (record.version >= this.#record.version) this.#record = record;
    if (now > this.#now) this.#now = now;
    return this;
  }
}

/** The facts of a compute, beside its methods. */
export interface Compute extends ComputeFacts {}

/** A handle that `spawnCompute` returned; the type of its `auth` follows from the request. */
export type SpawnedCompute<
  Auth extends AuthInput | undefined = AuthInput,
  Key extends string | undefined = string,
> = Compute & { readonly auth: AuthOf<Auth, Key> };
