/**
 * The contract of a provider: what an adapter must do so that computes are never doubled and never forgotten.
 * The comments are the laws; `src/laws/provider-laws.ts` holds every adapter to them.
 */

import type { CallContext } from "./call-context.ts";
import type { JobRunner } from "./job-runner.ts";

/** The protocol of a port: `http` (also WebSockets and server-sent events) or plain `tcp`. */
export type PortProtocol = "http" | "tcp";

/** A port that a request asks for. */
export interface PortRequest {
  /** The port the server in the pod listens on. */
  readonly internal: number;
  readonly protocol: PortProtocol;
  readonly name?: string;
}

/** A requested port as the outside world reaches it. Fields are absent while they are not known. */
export interface Port extends PortRequest {
  /** The port number on the outside. */
  readonly external?: number;
  /** `https://…`, `http://…` or `tcp://host:port`, without a trailing slash. */
  readonly url?: string;
  /** Headers without which a request does not reach this machine. A client that cannot send headers cannot use the port. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The state of an instance, as the provider reports it. `terminated` means gone for good; `failed` that it will never run;
 * `unknown` is a state this adapter does not know, and proves nothing.
 */
export type InstanceStatus =
  | "provisioning"
  | "running"
  | "stopped"
  | "failed"
  | "terminating"
  | "terminated"
  | "unknown";

/** The provider's view of a compute. */
export interface Instance {
  /** The provider's id. */
  readonly providerId: string;
  /** The exact name the instance was created with. */
  readonly name: string;
  /** The owner tag (env `ATLAS_OWNER`, or metadata), in `list` too; absent when the instance has none or the provider hides it just now. */
  readonly owner?: string;
  readonly status: InstanceStatus;
  /** The exit code of the instance's program, where it ended by itself and the provider tells; absent otherwise. */
  readonly exitCode?: number;
  /** Set on what is only a part of an instance, such as an app without its machine: it is ended like one, and never taken for what a create made. */
  readonly partial?: true;
  /** The provider's last word on a failure, without secrets. */
  readonly message?: string;
  readonly region?: string;
  /** The canonical GPU name where there is one, else the provider's own id; absent for a CPU machine. */
  readonly gpu?: string;
  readonly gpuCount?: number;
  /** US dollars per hour for the whole instance; absent while the provider does not know. */
  readonly costPerHour?: number;
  readonly ports: readonly Port[];
  readonly createdAt?: Date;
  /** The provider's answer as it came, every env value replaced by `[redacted]`. */
  readonly raw: unknown;
}

/** The name and the id that identify an instance. The name always does; the id is present once it is known. */
export interface InstanceReference {
  readonly name: string;
  readonly providerId?: string;
}

/** A parsed request that needs a place, without the parts that carry secrets. */
export interface PlacementRequest {
  /** GPU names or provider ids in order of preference; empty asks for a CPU machine. */
  readonly gpus: readonly string[];
  readonly gpuCount: number;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly ports: readonly PortRequest[];
  /** Regions in order of preference; empty leaves the choice to the provider. */
  readonly regions: readonly string[];
  readonly maxCostPerHour?: number;
  readonly cpus?: number;
  readonly memoryGb?: number;
  readonly diskGb?: number;
  readonly volumeGb?: number;
  readonly networkVolumeId?: string;
  readonly volumePath?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The user that the compute is for, for a provider that keeps data of a user; absent or null when there is none. */
  readonly userId?: string | null;
  /** The user's slot that the compute is for; absent or null when there is none. */
  readonly slot?: string | null;
  /** `providerOptions[<this provider's name>]`, as {@link Provider.parseOptions} returned it; `undefined` when not given. */
  readonly options: unknown;
}

/** One place a request could go to. The adapter stores in `placement` the facts that its create needs again. */
export interface Candidate {
  /** Canonical GPU name, or the provider's own id where there is no canonical one. */
  readonly gpu?: string;
  /** One region; absent when the provider chooses. */
  readonly region?: string;
  /** US dollars per hour for the whole instance; absent when the price is not known before the create. */
  readonly costPerHour?: number;
  /** The adapter's own description of the place (an id, a cloud, a size); opaque to all other code. */
  readonly placement?: unknown;
}

/** Everything a create needs. */
export interface CreateRequest extends PlacementRequest {
  /** The instance's exact name: `atlas-<namespace>-<compute id>`, at most 47 characters of `a-z0-9-`. */
  readonly name: string;
  /** The owner tag to stamp on the instance so that {@link Instance.owner} reads it back. */
  readonly owner: string;
  /** The whole environment of the pod, `ATLAS_*` included. Every value is a secret. */
  readonly env: Readonly<Record<string, string>>;
  readonly candidate: Candidate;
}

/** One line that the instance, or the provider on its behalf, wrote. */
export interface LogLine {
  readonly line: string;
  readonly at?: Date;
  /** `container` is the program's own output, `system` the provider's (image pull, scheduling). */
  readonly source: "container" | "system";
}

/** Which log lines to read. */
export interface LogOptions {
  /** The number of last lines to begin with. */
  readonly tail: number;
  /** True continues with new lines until the instance is gone or the signal aborts. */
  readonly follow: boolean;
}

/** A GPU type as a provider offers it. */
export interface GpuType {
  readonly provider: string;
  /** The provider's own id. */
  readonly id: string;
  /** Canonical name where there is one. */
  readonly name?: string;
  readonly memoryGb?: number;
  /** Lowest price, in US dollars per GPU and hour; absent when not known. */
  readonly costPerHour?: number;
  readonly stock: "high" | "medium" | "low" | "none" | "unknown";
  readonly regions: readonly string[];
}

/** The rate of calls that a provider allows: a call costs one, `burst` may come at once, and `perMinute` of them come back in a minute. */
export interface Budget {
  readonly perMinute: number;
  readonly burst: number;
  /** True where each method has this budget for itself, false where all methods share it. @default false */
  readonly eachMethod?: boolean;
}

/** The layer of a provider that can answer in a pod's place. An HTML page from behind it never proves that a pod is ready. */
export interface Edge {
  /** Statuses that it answers before the pod's port listens, beside 502, 503, 504 and 520 to 530. */
  readonly statuses?: readonly number[];
  /** Texts by which one of its own answers is known, each found in the first 10,000 characters of a body. */
  readonly placeholders?: readonly string[];
}

/**
 * An adapter. Methods translate and nothing else: deadlines, waiting, retries of a whole operation, redaction of
 * foreign errors and all bookkeeping are the caller's.
 *
 * Errors are `AtlasError`s whose code sorts the refusal:
 * - `CAPACITY`, `QUOTA`, `FORBIDDEN` (a pool this account may not use): clean refusals, the next candidate is tried;
 * - `UNSUPPORTED` from `candidates`: this provider cannot do it at all, the next provider is tried;
 * - `AUTH_ERROR`, `BILLING`, `VALIDATION`, `NOT_FOUND`, `CONFLICT`, `RATE_LIMIT`: nothing was created, the walk ends;
 * - `TIMEOUT`, `TRANSPORT`, `PROVIDER`, `UNAVAILABLE`: from `create` they mean that the outcome is unknown, unless the error
 *   says `mayHaveCreated: false`. So does anything thrown that is no `AtlasError`.
 *
 * @example
 * ```ts
 * import type { Provider } from "atlas-compute";
 *
 * export function nowhere(): Provider {
 *   return {
 *     name: "nowhere",
 *     bootTimeoutSeconds: 60,
 *     absenceGraceSeconds: 0,
 *     candidates: async () => [],
 *     create: async () => { throw new Error("there is no nowhere"); },
 *     get: async () => undefined,
 *     list: async () => [],
 *     terminate: async () => undefined,
 *   };
 * }
 * ```
 */
export interface Provider {
  /** The name that computes, errors and `providerOptions` know this provider by: `/^[a-z][a-z0-9-]{0,31}$/`. */
  readonly name: string;
  /** The longest time from an instance's create to `running`, in seconds. Then the instance counts as failed. */
  readonly bootTimeoutSeconds: number;
  /** The time that a create may take where it needs longer than `timing.createTimeoutSeconds`, in seconds, as with a download of the image. */
  readonly createTimeoutSeconds?: number;
  /**
   * The time after a create in which the absence of the instance proves nothing, in seconds, because lists and reads lag.
   * 0 when every `get` and `list` that begins after a create sees its instance.
   */
  readonly absenceGraceSeconds: number;
  /** The seconds after a create from which its instance appears no more, where less than `timing.pendingGraceSeconds`; more than a call takes. */
  readonly createGraceSeconds?: number;
  /** The shortest time between two looks at an instance, in seconds: how fresh an answer may be asked for. @default 3 */
  readonly lookSeconds?: number;
  /** The rate that this provider's API allows. Absent: without a limit. */
  readonly budget?: Budget;
  /** The layer between the outside and a pod's ports that can answer in the pod's place. Absent: a request reaches the pod, or nothing. */
  readonly edge?: Edge;

  /**
   * Parses `providerOptions[name]`, strictly, without any I/O.
   * @throws VALIDATION naming the option, what came and what is allowed.
   */
  parseOptions?(options: unknown): unknown;

  /**
   * The places that could serve the request, best first: the caller's preference (GPU, then region), then stock and price.
   * May read a catalogue; creates and reserves nothing. This method, not the create, refuses a request that no candidate
   * could serve, first of all a request without a key.
   * @throws UNSUPPORTED when this provider can never serve it. The message names a provider that can, where known.
   * @throws VALIDATION when the request lacks something this provider needs (an image, a command, an API key).
   */
  candidates(request: PlacementRequest, context: CallContext): Promise<readonly Candidate[]>;

  /**
   * Creates exactly one instance, in exactly one attempt: a create is never repeated by an adapter, except after an
   * answer which proves that nothing was created (429). Resolves as soon as the provider gave an id. A clean refusal leaves
   * nothing behind, not even a part of an instance. When the provider itself reports that this name exists already,
   * the adapter adopts that instance.
   */
  create(request: CreateRequest, context: CallContext): Promise<Instance>;

  /**
   * The instance as it is now; `undefined` only when the provider itself said that it does not exist. Any doubt throws.
   * Idempotent.
   */
  get(reference: InstanceReference, context: CallContext): Promise<Instance | undefined>;

  /**
   * Every instance whose name begins with the prefix, whatever created it, in any state but `terminated`. Reads every page or throws;
   * a malformed page is an error, never an empty list. What may be there and cannot be read just now is listed as a part in the state `unknown`, or the
   * whole throws. Idempotent.
   */
  list(scope: { readonly namePrefix: string }, context: CallContext): Promise<readonly Instance[]>;

  /** Every instance with exactly this name. Only for a provider that can answer it more cheaply than by `list`. Idempotent. */
  find?(name: string, context: CallContext): Promise<readonly Instance[]>;

  /**
   * Asks for the end of the instance and of everything that was created for it. With a `providerId` it ends that instance only,
   * without one every instance of that exact name. An absent instance is success. Resolving means accepted, not ended: `get`
   * tells when it is gone. Idempotent.
   */
  terminate(reference: InstanceReference, context: CallContext): Promise<void>;

  /**
   * Stops the instance so that `start` can bring it back. An instance that is stopped already is success.
   * @throws NOT_FOUND when it is gone.
   */
  stop?(reference: InstanceReference, context: CallContext): Promise<void>;

  /**
   * Starts a stopped instance. One that runs already is success.
   * @throws CAPACITY when its host has no room, NOT_FOUND when it is gone.
   */
  start?(reference: InstanceReference, context: CallContext): Promise<void>;

  /**
   * The instance's log lines, oldest first. Ends, without an error, when the instance is gone; an abort ends it, or rejects with the
   * signal's reason.
   */
  logs?(reference: InstanceReference, options: LogOptions, context: CallContext): AsyncIterable<LogLine>;

  /**
   * A stable id of the account that the key belongs to, the same for every key of the account, without a secret; `undefined` when the provider does
   * not tell for this key. Absences in another account than the one that is remembered prove nothing. Idempotent.
   */
  account?(context: CallContext): Promise<string | undefined>;

  /** The GPU types that this provider offers now, with price and stock. */
  listGpuTypes?(context: CallContext): Promise<readonly GpuType[]>;

  /** Serverless jobs, where the provider has them. */
  readonly jobs?: JobRunner;

  /** Lets go of connections and timers. Ends no instance. */
  close?(): Promise<void>;
}
