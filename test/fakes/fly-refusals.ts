/** Refusals of the Machines API, with Fly's own statuses, codes and texts. */

/** A refusal: its HTTP status, and Fly's text of the error. */
export interface FlyRefusal {
  readonly status: number;
  readonly error: string;
  /** Fly's own code, in the body's field `status`. */
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Refusals by their cause. */
export const flyRefusals = {
  regionFull: { status: 422, error: "could not find a candidate host", code: "insufficient_capacity" },
  regionFullInWords: { status: 409, error: "aborted: no capacity" },
  hostFull: {
    status: 409,
    error: "could not reserve resource for machine: insufficient memory available to fulfill request",
  },
  hostClosed: { status: 409, error: "deploys to this host are temporarily disabled" },
  governor: { status: 409, error: "governor policy blocked start" },
  volumeHostFull: {
    status: 412,
    error: "insufficient resources to create new machine with existing volume id 'vol_1'",
    code: "volume_placement_capacity",
  },
  quota: {
    status: 403,
    error:
      'organization "acme" is using 204800 MB of memory in dfw which is over the allowed quota. please consider other regions',
  },
  forbidden: { status: 403, error: "not authorized" },
  badToken: { status: 401, error: "unauthorized" },
  paymentMethod: {
    status: 422,
    error:
      "To create more than 1 machine per app please add a payment method. https://fly.io/dashboard/billing",
  },
  balance: { status: 402, error: "your account has overdue invoices" },
  leaseHeld: { status: 409, error: "lease currently held by somebody@example.com" },
  versionMismatch: { status: 412, error: "machine version mismatch" },
  nameTaken: { status: 422, error: "Validation failed: Name has already been taken", code: "name_taken" },
  nameTakenInWords: { status: 422, error: "Validation failed: Name has already been taken" },
  uniqueness: { status: 422, error: "uniqueness constraint violated" },
  badName: {
    status: 422,
    error: "Validation failed: Name under 63 chars using numbers, lowercase letters and dashes",
  },
  badImage: { status: 400, error: "invalid image identifier: manifest unknown", code: "unknown" },
  rateLimit: { status: 429, error: "resource_exhausted: rate limit exceeded" },
  unreachableHost: { status: 408, error: "deadline_exceeded: host did not answer" },
  serverError: { status: 500, error: "internal server error" },
  serverErrorAboutCapacity: {
    status: 500,
    error: "could not reserve resource for machine: insufficient memory available to fulfill request",
  },
  unavailable: { status: 503, error: "out of capacity", code: "insufficient_capacity" },
} as const satisfies Readonly<Record<string, FlyRefusal>>;

/** The answer with this refusal, in Fly's form. */
export function refuse({ status, error, code, headers = {} }: FlyRefusal): Response {
  const body = { error, ...(code === undefined ? {} : { status: code }) };
  return Response.json(body, {
    status,
    headers: { "fly-request-id": "01FAKEREQUEST-fra", ...headers },
  });
}

/** Thrown by the fake's handlers to refuse a request. */
export class Refused extends Error {
  readonly refusal: FlyRefusal;

  constructor(refusal: FlyRefusal) {
    super(refusal.error);
    this.refusal = refusal;
  }
}
