/** The one error class of the package, its closed list of codes, and each code's meaning over HTTP. */
import { defined } from "./internal/defined.ts";

/** The meaning of a code: its HTTP status, its default for `retryable`, and its RFC 9457 title. */
interface ErrorCodeFacts {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
}

/** The closed list of codes an {@link AtlasError} can carry. Branch on it, never on a message. `docs/errors.md` has a section about each. */
export type AtlasErrorCode =
  | "UNAUTHORIZED"
  | "AUTH_ERROR"
  | "BILLING"
  | "RATE_LIMIT"
  | "KEY_UNAVAILABLE"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONFLICT"
  | "VALIDATION"
  | "CAPACITY"
  | "QUOTA"
  | "LIMIT_EXCEEDED"
  | "UNCERTAIN"
  | "BOOT_FAILED"
  | "TIMEOUT"
  | "TRANSPORT"
  | "PROVIDER"
  | "STORE_UNAVAILABLE"
  | "UNAVAILABLE"
  | "UNSUPPORTED";

const ERROR_CODES: Readonly<Record<AtlasErrorCode, ErrorCodeFacts>> = {
  UNAUTHORIZED: { status: 401, retryable: false, title: "The credential was rejected" },
  AUTH_ERROR: { status: 502, retryable: false, title: "The provider rejected our key" },
  BILLING: { status: 402, retryable: false, title: "The provider account has no balance" },
  RATE_LIMIT: { status: 429, retryable: true, title: "Too many requests" },
  KEY_UNAVAILABLE: {
    status: 503,
    retryable: false,
    title: "A key we need is not configured or cannot be read",
  },
  FORBIDDEN: { status: 403, retryable: false, title: "Not allowed" },
  NOT_FOUND: { status: 404, retryable: false, title: "Not found" },
  CONFLICT: { status: 409, retryable: false, title: "Conflict with the present state" },
  VALIDATION: { status: 422, retryable: false, title: "The request is not valid" },
  CAPACITY: { status: 503, retryable: true, title: "No capacity" },
  QUOTA: { status: 503, retryable: false, title: "The provider's quota is used up" },
  LIMIT_EXCEEDED: { status: 429, retryable: false, title: "A limit of this application is reached" },
  UNCERTAIN: { status: 503, retryable: false, title: "The outcome of a create is unknown" },
  BOOT_FAILED: { status: 504, retryable: false, title: "The compute failed to boot" },
  TIMEOUT: { status: 504, retryable: true, title: "Timed out" },
  TRANSPORT: { status: 502, retryable: true, title: "The connection failed" },
  PROVIDER: { status: 502, retryable: false, title: "The provider failed" },
  STORE_UNAVAILABLE: { status: 503, retryable: true, title: "The store is not available" },
  UNAVAILABLE: { status: 503, retryable: true, title: "Not available" },
  UNSUPPORTED: { status: 501, retryable: false, title: "Not supported" },
};

/** Every {@link AtlasErrorCode}, in the order of the documentation's table. */
export const atlasErrorCodes: readonly AtlasErrorCode[] = Object.keys(ERROR_CODES) as AtlasErrorCode[];

/** One candidate of a request, and the reason why it was refused. */
export interface CandidateRefusal {
  /** Name of the provider. */
  readonly provider: string;
  /** Canonical GPU name, or the provider's own id; absent for a CPU machine, and where the whole provider refused. */
  readonly gpu?: string;
  /** The provider's region; absent where the provider chooses. */
  readonly region?: string;
  /** The kind of refusal. */
  readonly code: AtlasErrorCode;
  /** The refusal in words. */
  readonly reason: string;
}

/** The facts an {@link AtlasError} can carry beside its code and message. None of them may hold a secret. */
export interface AtlasErrorFacts {
  /** Name of the provider that was asked. */
  readonly provider?: string | undefined;
  /** HTTP status of the provider's answer; absent when no answer came. */
  readonly status?: number | undefined;
  /** True when the same call may succeed later. @default by code */
  readonly retryable?: boolean | undefined;
  /** Seconds to wait before the next try. */
  readonly retryAfterSeconds?: number | undefined;
  /** Id of the compute that the failure concerns: keep it, so that the compute is never lost with the error. */
  readonly computeId?: string | undefined;
  /** The provider's id of the instance that the failure concerns. */
  readonly providerId?: string | undefined;
  /** For a create: true when an instance may exist in spite of the failure. */
  readonly mayHaveCreated?: boolean | undefined;
  /** The provider's id of the HTTP request; its support desk asks for it. */
  readonly requestId?: string | undefined;
  /** Every candidate that refused, each with its reason. */
  readonly candidates?: readonly CandidateRefusal[] | undefined;
  /** Further facts, such as the fields that failed or the last log lines. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The underlying error. It must hold no request, header or key. */
  readonly cause?: unknown;
}

/** An RFC 9457 problem. Several codes share an HTTP status: branch on `code`. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: AtlasErrorCode;
  readonly retryable: boolean;
  readonly retryAfterSeconds?: number;
  readonly computeId?: string;
  readonly candidates?: readonly CandidateRefusal[];
  readonly details?: Readonly<Record<string, unknown>>;
}

const MARKER: symbol = Symbol.for("atlas-compute.error");

/**
 * Every failure of this package. The message names the failure, its object and the remedy.
 *
 * The class may exist several times in one process (one copy an entry point, or a duplicate install), so
 * `instanceof` and {@link isAtlasError} both test a marker that all copies share.
 *
 * @example
 * ```ts
 * import { isAtlasError, spawnCompute } from "atlas-compute";
 *
 * try {
 *   await spawnCompute({ gpu: "h100", image: "ghcr.io/me/server:1", ports: [8000] });
 * } catch (error) {
 *   if (!isAtlasError(error)) throw error;
 *   if (error.code === "CAPACITY") console.error("No provider has one free:", error.candidates);
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor sets exactly these facts, and their comments show on hover.
export class AtlasError extends Error {
  override readonly name = "AtlasError";
  /** The kind of failure: branch on it, never on the message. */
  readonly code: AtlasErrorCode;
  /** True when the same call may succeed later; wait {@link AtlasErrorFacts.retryAfterSeconds} first, where it is set. */
  readonly retryable: boolean;

  constructor(code: AtlasErrorCode, message: string, facts: AtlasErrorFacts = {}) {
    const { cause, retryable, ...rest } = facts;
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, MARKER, { value: true });
    this.code = code;
    this.retryable = retryable ?? ERROR_CODES[code].retryable;
    for (const [key, value] of Object.entries(rest)) {
      if (value !== undefined) Object.defineProperty(this, key, { value, enumerable: true, writable: true });
    }
  }

  /** Makes `instanceof` true for an `AtlasError` of any copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isAtlasError(value);
  }

  /** Converts the error to an RFC 9457 problem, to answer over HTTP. */
  toProblem(): Problem {
    const { status, title } = ERROR_CODES[this.code];
    const { code, message: detail, retryable, retryAfterSeconds, computeId, candidates, details } = this;
    return {
      ...{ type: "about:blank", title, status, detail, code, retryable },
      ...defined({ retryAfterSeconds, computeId, candidates, details }),
    };
  }
}

/** The facts of a failure, beside its code and its message. */
export interface AtlasError extends Readonly<Omit<AtlasErrorFacts, "cause">> {
  readonly retryable: boolean;
}

/** Tells whether a value is an {@link AtlasError}, also one of another copy of this package. */
export function isAtlasError(value: unknown): value is AtlasError {
  if (typeof value !== "object" || value === null) return false;
  return Reflect.get(value, MARKER) === true;
}

/** Copies an error with more facts. The error's own facts win. */
export function withFacts(
  error: AtlasError,
  facts: AtlasErrorFacts,
  message: string = error.message,
): AtlasError {
  const { code, provider, status, retryable, retryAfterSeconds, computeId, providerId } = error;
  const { mayHaveCreated, requestId, candidates, details, cause } = error;
  const own = { provider, status, retryable, retryAfterSeconds, computeId, providerId };
  return new AtlasError(code, message, {
    ...facts,
    ...defined({ ...own, mayHaveCreated, requestId, candidates, details, cause }),
  });
}
