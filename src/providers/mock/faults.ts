import * as z from "zod/mini";
import { AtlasError, type AtlasErrorCode } from "../../errors.ts";
import { field, invalid, optional, parseFields } from "../../internal/parse.ts";
import { type MockCall, type MockOperation, subjectOf } from "./call.ts";

/**
 * What happens to a call. `error` throws an `AtlasError`, `text` throws what is no error at all, `hang` never answers, and
 * `outcome` lets the call answer, though not as usual. With `done` the work is done before the call fails.
 */
interface FaultFacts {
  readonly answers: "error" | "text" | "hang" | "outcome";
  readonly does: string;
  readonly code?: AtlasErrorCode;
  readonly status?: number;
  readonly done?: true;
  /** A failure that leaves open whether the work was done. */
  readonly open?: true;
  /** The operations it can happen to; all where this is absent. */
  readonly only?: readonly MockOperation[];
}

function refusal(code: AtlasErrorCode, status: number, does: string): FaultFacts {
  return { answers: "error", code, status, does };
}

const TIMEOUT = { answers: "error", code: "TIMEOUT", open: true, does: "no answer came in time" } as const;
const LOST = { answers: "error", code: "TRANSPORT", open: true, does: "the connection was lost" } as const;
const BROKEN = { ...refusal("PROVIDER", 500, "it answered 500"), open: true } as const;
const CHANGES: readonly MockOperation[] = ["create", "terminate", "stop", "start"];
const READS: readonly MockOperation[] = ["candidates", "get", "list", "find", "listGpuTypes"];

const FAULTS = {
  capacity: refusal("CAPACITY", 503, "there is no capacity"),
  quota: refusal("QUOTA", 403, "the account's quota is used up"),
  balance: refusal("BILLING", 402, "the account has no balance"),
  "rate-limit": refusal("RATE_LIMIT", 429, "there were too many requests"),
  "bad-key": refusal("AUTH_ERROR", 401, "the API key was rejected; check it"),
  "refused-pool": refusal("FORBIDDEN", 403, "this account may not use that pool"),
  invalid: refusal("VALIDATION", 400, "the request was refused as not valid"),
  "timeout-before": TIMEOUT,
  "timeout-after": { ...TIMEOUT, done: true, only: CHANGES },
  "connection-before": LOST,
  "connection-after": { ...LOST, done: true, only: CHANGES },
  "error-before": BROKEN,
  "error-after": { ...BROKEN, done: true, only: CHANGES },
  "unreadable-after": {
    ...{ answers: "error", code: "PROVIDER", status: 200, open: true, done: true, only: CHANGES },
    does: "its answer could not be read",
  },
  hang: { answers: "hang", does: "never answers" },
  "hang-after": { answers: "hang", done: true, only: CHANGES, does: "never answers" },
  "not-an-error": { answers: "text", does: "the mock throws a string" },
  "not-an-error-after": { answers: "text", done: true, only: CHANGES, does: "the mock throws a string" },
  delay: { answers: "outcome", does: "answers late" },
  ignored: { answers: "outcome", only: ["terminate", "stop", "start"], does: "is accepted and never done" },
  "boot-failure": { answers: "outcome", only: ["create"], does: "makes an instance that fails to boot" },
  malformed: { ...refusal("PROVIDER", 200, "its answer does not have the agreed shape"), only: READS },
  partial: { answers: "outcome", only: ["list"], does: "fails at the second page" },
} as const satisfies Readonly<Record<MockFaultName, FaultFacts>>;

/**
 * What can go wrong with a call. Those that end in `-before` and `-after` fail without an answer that tells whether the call did
 * its work; it did not, or it did.
 */
export type MockFaultName =
  | "capacity"
  | "quota"
  | "balance"
  | "rate-limit"
  | "bad-key"
  | "refused-pool"
  | "invalid"
  | "timeout-before"
  | "timeout-after"
  | "connection-before"
  | "connection-after"
  | "error-before"
  | "error-after"
  | "unreadable-after"
  | "hang"
  | "hang-after"
  | "not-an-error"
  | "not-an-error-after"
  | "delay"
  | "ignored"
  | "boot-failure"
  | "malformed"
  | "partial";

/** A fault with its details. */
export interface ScriptedFault {
  readonly fault: MockFaultName;
  /** How many calls meet it; `Infinity` for all of them until `heal()`. @default 1 */
  readonly times?: number | undefined;
  /** How long the call takes until it fails, or until it answers. @default 0 */
  readonly seconds?: number | undefined;
  /** For `rate-limit`: what the answer's `Retry-After` says. */
  readonly retryAfterSeconds?: number | undefined;
  /** For `boot-failure`: the provider's word on it. */
  readonly message?: string | undefined;
}

/** A fault by its name alone, or with its details. */
export type MockFault = MockFaultName | ScriptedFault;

const NAMES = Object.keys(FAULTS) as [MockFaultName, ...MockFaultName[]];
const seconds = z.number().check(z.nonnegative());
const FIELDS = {
  fault: field(z.enum(NAMES), NAMES.join(", ")),
  times: optional(
    field(
      z.union([z.int().check(z.positive()), z.literal(Number.POSITIVE_INFINITY)]),
      "a whole number from 1, or Infinity",
    ),
  ),
  seconds: optional(field(seconds, "seconds from 0")),
  retryAfterSeconds: optional(field(seconds, "seconds from 0")),
  message: optional(field(z.string(), "a string")),
};

/** The faults that wait for calls to come. */
export class Script {
  readonly #queues = new Map<MockOperation, ScriptedFault[]>();

  add(operation: MockOperation, faults: readonly MockFault[]): void {
    const parsed = faults.map((fault) => parseFault(operation, fault));
    this.#queues.set(operation, [...this.#queue(operation), ...parsed]);
  }

  /** Takes the fault that this call meets. */
  next(operation: MockOperation): ScriptedFault | undefined {
    const [first, ...rest] = this.#queue(operation);
    if (first === undefined) return undefined;
    const times = (first.times ?? 1) - 1;
    this.#queues.set(operation, times > 0 ? [{ ...first, times }, ...rest] : rest);
    return first;
  }

  clear(operation: MockOperation | undefined): void {
    if (operation === undefined) this.#queues.clear();
    else this.#queues.delete(operation);
  }

  #queue(operation: MockOperation): readonly ScriptedFault[] {
    return this.#queues.get(operation) ?? [];
  }
}

/** What happens to a call that meets this fault. */
export function factsOf(fault: ScriptedFault | undefined): FaultFacts | undefined {
  return fault === undefined ? undefined : FAULTS[fault.fault];
}

/** What a call that meets this fault throws. */
export function failureOf(provider: string, call: Omit<MockCall, "at">, fault: ScriptedFault): unknown {
  const facts: FaultFacts = FAULTS[fault.fault];
  if (facts.code === undefined) return facts.does;
  return new AtlasError(facts.code, `${provider}: ${subjectOf(call)} failed: ${facts.does}.`, {
    provider,
    status: facts.status,
    providerId: call.providerId,
    retryAfterSeconds: fault.retryAfterSeconds,
    mayHaveCreated: call.operation === "create" ? facts.open === true : undefined,
  });
}

function parseFault(operation: MockOperation, input: MockFault): ScriptedFault {
  const fault = parseFields("The fault", FIELDS, typeof input === "string" ? { fault: input } : input);
  const facts: FaultFacts = FAULTS[fault.fault];
  if (facts.only === undefined || facts.only.includes(operation)) return fault;
  const problem = { field: "fault", received: `"${fault.fault}" for ${operation}` };
  throw invalid("The fault", [{ ...problem, allowed: `it for ${facts.only.join(", ")} only` }]);
}
