/** The handle of a compute. */
import { type SignOptions, signedUrl, urlOf } from "./compute-url.ts";
import type { Context } from "./lifecycle/context.ts";
import type { ComputeSecrets } from "./lifecycle/spawn/secrets.ts";
import type { WaitOptions } from "./lifecycle/wait.ts";
import type { Port } from "./provider.ts";
import type { AuthScheme, ComputeRecord, ComputeStatus, EndReason, TokenHash } from "./store.ts";

/**
 * How a compute is opened. The secrets are there only on the handle that `spawnCompute` returned, once, and are not enumerable: they
 * show in no `JSON.stringify`, `console.log` or copy. Hand them on by name.
 */
export interface ComputeAuth {
  readonly schemes: readonly AuthScheme[];
  /** SHA-256 of the token, lowercase hex: what an application stores. */
  readonly hash?: string;
  /** The raw token. */
  readonly token?: string;
  /** `Authorization: Bearer <token>`. */
  readonly header?: string;
  /** The secret that signs URLs of this compute. */
  readonly signingSecret?: string;
}

/** A compute as `JSON.stringify` gives it: no secret, times in ISO 8601. */
export interface ComputeJson {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly providerId: string | null;
  readonly status: ComputeStatus;
  readonly reason: EndReason | null;
  readonly userId: string | null;
  readonly gpu: string | null;
  readonly gpuCount: number;
  readonly region: string | null;
  readonly costPerHour: number | null;
  readonly costSoFar: number | null;
  readonly ports: readonly Port[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly auth?: { readonly schemes: readonly AuthScheme[]; readonly hash?: string };
  readonly createdAt: string;
  readonly idleDeadline: string | null;
  readonly lifetimeDeadline: string | null;
  readonly lastError: string | null;
}

/** What `console.log` looks for: `util.inspect.custom` by its registered name, so that `node:util` is not loaded for it. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** What a handle is made of. */
export interface ComputeParts {
  readonly context: Context;
  readonly record: ComputeRecord;
  readonly secrets?: ComputeSecrets;
  readonly raw?: unknown;
  /** Whether leaving an `await using` block terminates it. */
  readonly owned?: boolean;
  /** US dollars so far; null while the price is not known. */
  readonly costSoFar: number | null;
}

/**
 * A compute: what we spawn, track, hand out and end. The handle shows it as of the call that returned it.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 *
 * const atlas = createAtlas({ providers: [mock()] });
 * await using compute = await atlas.spawnCompute({ gpu: "h100", ports: [8000], auth: ["bearer", "signed-url"] });
 * compute.url(8000, "/v1");
 * compute.signUrl(8000, "/video.m3u8", { expiresInSeconds: 600 });
 * ```
 */
export class Compute implements AsyncDisposable {
  readonly #context: Context;
  readonly #secrets: ComputeSecrets;
  readonly #costSoFar: number | null;
  readonly #isNew: boolean;
  #record: ComputeRecord;
  #raw: unknown;
  #owned: boolean;

  /** @internal */
  constructor({ context, record, secrets = {}, raw, owned = false, costSoFar }: ComputeParts) {
    this.#context = context;
    this.#record = record;
    this.#secrets = secrets;
    this.#raw = raw;
    this.#isNew = owned;
    this.#owned = owned;
    this.#costSoFar = costSoFar;
  }

  /** Our id: 20 characters of `0-9a-z`. */
  get id(): string {
    return this.#record.id;
  }
  /** The instance's name at the provider. */
  get name(): string {
    return this.#record.name;
  }
  /** Name of the provider it is on. */
  get provider(): string {
    return this.#record.provider;
  }
  /** The provider's id; null until the create was confirmed. */
  get providerId(): string | null {
    return this.#record.providerId;
  }
  /** Where it is in its life. */
  get status(): ComputeStatus {
    return this.#record.status;
  }
  /** Why it ended, or is ending; null before. */
  get reason(): EndReason | null {
    return this.#record.reason;
  }
  /** The user it was spawned for. */
  get userId(): string | null {
    return this.#record.userId;
  }
  /** Canonical GPU name; null for a CPU machine. */
  get gpu(): string | null {
    return this.#record.gpu;
  }
  /** GPUs in the machine; says nothing where `gpu` is null. */
  get gpuCount(): number {
    return this.#record.gpuCount;
  }
  /** The provider's region; null while it is not known. */
  get region(): string | null {
    return this.#record.region;
  }
  /** US dollars per hour; null while the provider does not say. */
  get costPerHour(): number | null {
    return this.#record.costPerHour;
  }
  /** US dollars it has cost when this handle was made, as far as its price is known; null when it is not. */
  get costSoFar(): number | null {
    return this.#costSoFar;
  }
  /** The application's own facts, as the request gave them. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#record.metadata;
  }
  /** When it was recorded, by the store's clock. */
  get createdAt(): Date {
    return this.#record.createdAt;
  }
  /** When it is ended for want of signs of life; null while that is off or it does not run. */
  get idleDeadline(): Date | null {
    return this.#record.idleDeadline;
  }
  /** When it is ended whatever happens; null when that is off. */
  get lifetimeDeadline(): Date | null {
    return this.#record.lifetimeDeadline;
  }
  /** What failed last in looking after it; null when nothing did. */
  get lastError(): string | null {
    return this.#record.lastError;
  }
  /** The requested ports, as the outside reaches them. */
  get ports(): readonly Port[] {
    return this.#record.ports;
  }
  /** Whether the call that returned this handle spawned the compute; false for a repeated idempotencyKey, and on every other handle. */
  get isNew(): boolean {
    return this.#isNew;
  }
  /** Hashes of the tokens that open it, each with its end. One that has ended may still be here. */
  get tokens(): readonly Omit<TokenHash, "kind">[] {
    const ofUser = this.#record.tokens.filter(({ kind }) => kind === "user");
    return ofUser.map(({ hash, expiresAt }) => ({ hash, expiresAt }));
  }
  /** The last report of each kind that its pod sent, each with its time in `at`. */
  get reports(): Readonly<Record<string, unknown>> {
    return this.#record.reports;
  }
  /** The provider's answer to the create, env values redacted; `undefined` on a handle that was read from the store. */
  get raw(): unknown {
    return this.#raw;
  }

  /** How it is opened; `undefined` for `auth: "none"`. */
  get auth(): ComputeAuth | undefined {
    const { authSchemes, tokens } = this.#record;
    if (authSchemes.length === 0) return undefined;
    const hash = tokens.findLast(({ kind }) => kind === "user")?.hash;
    const { token, signingSecret } = this.#secrets;
    const header = token === undefined ? undefined : `Authorization: Bearer ${token}`;
    const shown = { schemes: authSchemes, ...(hash === undefined ? {} : { hash }) };
    return Object.defineProperties(
      { ...shown },
      {
        token: { value: token },
        header: { value: header },
        signingSecret: { value: signingSecret },
        [INSPECT]: { value: () => shown },
      },
    );
  }

  /**
   * The URL of a port, with a path.
   * @throws VALIDATION for a port that was not asked for, or a path that does not begin with "/".
   * @throws CONFLICT while the address is not known yet.
   * @throws UNSUPPORTED for a port that only requests with certain headers reach; see {@link Port.headers}.
   */
  url(port: number, path = ""): string {
    return urlOf(this.#record, port, path);
  }

  /**
   * A URL that opens one path of a port for a while, for what cannot send headers: `<video>`, `<img>`, a download link.
   * @throws VALIDATION as {@link Compute.url} does, and for a compute that does not take signed URLs.
   * @throws KEY_UNAVAILABLE when neither this handle nor the client has the secret: set `signingKey` in `createAtlas`.
   */
  signUrl(port: number, path: string, options: SignOptions = {}): string {
    return signedUrl(this.#context, this.#record, {
      port,
      path,
      options,
      secret: this.#secrets.signingSecret,
    });
  }

  /**
   * Resolves when the instance runs and its port really answers; this handle then shows its state, and is returned.
   * @throws TIMEOUT when that takes longer than `timeoutSeconds`, BOOT_FAILED when it will never be; both with the last log lines.
   * @throws the signal's reason when it aborts.
   */
  async waitUntilReady(options: WaitOptions = {}): Promise<this> {
    const { waitUntilReady } = await import("./lifecycle/index.ts");
    this.#record = await waitUntilReady(this.#context, this.#record, this.#secrets, options);
    return this;
  }

  /** Keeps the compute when an `await using` block is left. */
  detach(): this {
    this.#owned = false;
    return this;
  }

  /** Terminates a compute that `spawnCompute` returned; does nothing on any other handle, or after {@link Compute.detach}. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#owned) return;
    const { terminate } = await import("./lifecycle/index.ts");
    this.#record = await terminate(this.#context, this.id, "requested");
  }

  /** The compute without any secret. */
  toJSON(): ComputeJson {
    const {
      id,
      name,
      provider,
      providerId,
      status,
      reason,
      userId,
      gpu,
      gpuCount,
      region,
      costPerHour,
      ports,
      metadata,
    } = this;
    const { auth, createdAt, idleDeadline, lifetimeDeadline, lastError, costSoFar } = this;
    return {
      ...{
        id,
        name,
        provider,
        providerId,
        status,
        reason,
        userId,
        gpu,
        gpuCount,
        region,
        costPerHour,
        costSoFar,
      },
      ...{ ports, metadata },
      ...(auth === undefined ? {} : { auth: { ...auth } }),
      createdAt: createdAt.toISOString(),
      idleDeadline: idleDeadline?.toISOString() ?? null,
      lifetimeDeadline: lifetimeDeadline?.toISOString() ?? null,
      lastError,
    };
  }

  /** @internal */
  [INSPECT](): unknown {
    return this.toJSON();
  }
}
