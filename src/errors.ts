/**
 * The one error class of the package, its closed list of codes, and what each code means over HTTP.
 */

/** What a code means: its HTTP status, whether the same call may succeed later, and its RFC 9457 title. */
interface ErrorCodeFacts {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
}

/** The closed list of codes an {@link AtlasError} can carry. Branch on it, never on a message. */
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

/** One place a request could have been put, and why it was not. */
export interface CandidateRefusal {
  readonly provider: string;
  readonly gpu?: string;
  readonly region?: string;
  readonly code: AtlasErrorCode;
  readonly reason: string;
}

/** The facts an {@link AtlasError} can carry beside its code and message. None of them may hold a secret. */
export interface AtlasErrorFacts {
  /** Name of the provider that was asked. */
  readonly provider?: string | undefined;
  /** HTTP status the provider answered, where there was an answer. */
  readonly status?: number | undefined;
  /** Whether the same call may succeed later. Default: by code. */
  readonly retryable?: boolean | undefined;
  /** How long to wait before the next try, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** Id of the compute concerned, so that it is never lost with the error. */
  readonly computeId?: string | undefined;
  /** The provider's id of the instance concerned. */
  readonly providerId?: string | undefined;
  /** For a create: true when an instance may exist all the same. */
  readonly mayHaveCreated?: boolean | undefined;
  /** The provider's id of the HTTP request, for its support desk. */
  readonly requestId?: string | undefined;
  /** Every candidate that was tried, each with its reason. */
  readonly candidates?: readonly CandidateRefusal[] | undefined;
  /** Further facts, such as the fields that failed or the last log lines. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The error underneath. Only ever one that holds no request, header or key. */
  readonly cause?: unknown;
}

/** An RFC 9457 problem; `code` tells apart what shares a status. */
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
 * Every failure of this package, told for the person who reads it: what failed, on what, what to do.
 *
 * The class may exist several times in one process (one copy an entry point, or a duplicate install), so
 * `instanceof` and {@link isAtlasError} both go by a marker that all copies share.
 *
 * @example
 * ```ts
 * import { isAtlasError, spawnCompute } from "atlas-compute";
 *
 * try {
 *   await spawnCompute({ gpu: "h100", image: "ghcr.io/me/server:1", ports: [8000] });
 * } catch (error) {
 *   if (!isAtlasError(error)) throw error;
 *   if (error.code === "CAPACITY") console.error("Nobody has one free:", error.candidates);
 * }
 * ```
 */
export class AtlasError extends Error {
  override readonly name = "AtlasError";
  readonly code: AtlasErrorCode;
  readonly retryable: boolean;
  declare readonly provider?: string;
  declare readonly status?: number;
  declare readonly retryAfterSeconds?: number;
  declare readonly computeId?: string;
  declare readonly providerId?: string;
  declare readonly mayHaveCreated?: boolean;
  declare readonly requestId?: string;
  declare readonly candidates?: readonly CandidateRefusal[];
  declare readonly details?: Readonly<Record<string, unknown>>;

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

  /** Whether a value is an `AtlasError` of any copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isAtlasError(value);
  }

  /** The error as an RFC 9457 problem, to answer over HTTP. */
  toProblem(): Problem {
    const { status, title } = ERROR_CODES[this.code];
    return {
      type: "about:blank",
      title,
      status,
      detail: this.message,
      code: this.code,
      retryable: this.retryable,
      ...(this.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: this.retryAfterSeconds }),
      ...(this.computeId === undefined ? {} : { computeId: this.computeId }),
      ...(this.candidates === undefined ? {} : { candidates: this.candidates }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** Whether a value is an {@link AtlasError}, also one of another copy of this package. */
export function isAtlasError(value: unknown): value is AtlasError {
  if (typeof value !== "object" || value === null) return false;
  return Reflect.get(value, MARKER) === true;
}

/** The same error with more facts on it; what it already says stays. */
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

function defined(facts: AtlasErrorFacts): AtlasErrorFacts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
