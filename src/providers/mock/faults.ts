/** The faults that a test can script. */
import * as z from "zod/mini";
import { AtlasError, type AtlasErrorCode } from "../../errors.ts";
import { field, invalid, optional, parseFields } from "../../internal/parse.ts";
import { type MockCall, type MockOperation, subjectOf } from "./call.ts";

/**
 * The effect of a fault on a call. `error` throws an `AtlasError`, `text` throws a string, `hang` never answers, and `outcome` lets the
 * call answer in an unusual way. With `done`, the call does its work before it fails.
 */
interface FaultFacts {
  readonly answers: "error" | "text" | "hang" | "outcome";
  readonly does: string;
  readonly code?: AtlasErrorCode;
  readonly status?: number;
  readonly done?: true;
  /** A failure that does not tell whether the call did its work. */
  readonly open?: true;
  /** The operations that can meet the fault. @default all */
  readonly only?: readonly MockOperation[];
}

function errorFault(code: AtlasErrorCode, status: number, does: string): FaultFacts {
  return { answers: "error", code, status, does };
}

const TIMEOUT = { answers: "error", code: "TIMEOUT", open: true, does: "no answer came in time" } as const;
const LOST = { answers: "error", code: "TRANSPORT", open: true, does: "the connection was lost" } as const;
const BROKEN = { ...errorFault("PROVIDER", 500, "it answered 500"), open: true } as const;
const CHANGES: readonly MockOperation[] = ["create", "terminate", "stop", "start"];
const READS: readonly MockOperation[] = ["candidates", "get", "list", "find", "listGpuTypes", "account"];

const FAULTS = {
  capacity: errorFault("CAPACITY", 503, "there is no capacity"),
  quota: errorFault("QUOTA", 403, "the account's quota is used up"),
  balance: errorFault("BILLING", 402, "the account has no balance"),
  "rate-limit": errorFault("RATE_LIMIT", 429, "there were too many requests"),
  "bad-key": errorFault("AUTH_ERROR", 401, "the API key was rejected; check it"),
  "refused-pool": errorFault("FORBIDDEN", 403, "this account has no access to that pool"),
  invalid: errorFault("VALIDATION", 400, "the request was refused as not valid"),
  "timeout-before": TIMEOUT,
  "timeout-after": { ...TIMEOUT, done: true, only: CHANGES },
  "connection-before": LOST,
  "connection-after": { ...LOST, done: true, only: CHANGES },
  "error-before": BROKEN,
  "error-after": { ...BROKEN, done: true, only: CHANGES },
  "unreadable-after": {
    ...errorFault("PROVIDER", 200, "its answer could not be read"),
    open: true,
    done: true,
    only: CHANGES,
  },
  hang: { answers: "hang", does: "never answers" },
  "hang-after": { answers: "hang", done: true, only: CHANGES, does: "never answers" },
  "not-an-error": { answers: "text", does: "the mock throws a string" },
  "not-an-error-after": { answers: "text", done: true, only: CHANGES, does: "the mock throws a string" },
  delay: { answers: "outcome", does: "answers late" },
  ignored: {
    answers: "outcome",
    only: ["terminate", "stop", "start"],
    does: "is accepted and has no effect",
  },
  "boot-failure": { answers: "outcome", only: ["create"], does: "creates an instance that fails to boot" },
  malformed: { ...errorFault("PROVIDER", 200, "its answer does not have the agreed shape"), only: READS },
  partial: { answers: "outcome", only: ["list"], does: "fails at the second page" },
} as const satisfies Readonly<Record<MockFaultName, FaultFacts>>;

/**
 * The name of a fault. A fault whose name ends in `-before` or `-after` gives no answer that tells whether the call did its work: with
 * `-before` it did not, with `-after` it did.
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
  /** The number of calls that meet it; `Infinity` for all of them until `heal()`. @default 1 */
  readonly times?: number | undefined;
  /** The time until the call fails or answers, in seconds. @default 0 */
  readonly seconds?: number | undefined;
  /** For `rate-limit`: the `Retry-After` of the answer, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** For `boot-failure`: the provider's message. */
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

/** The faults that wait for the next calls. */
export class Script {
  readonly #queues = new Map<MockOperation, ScriptedFault[]>();

  add(operation: MockOperation, faults: readonly MockFault[]): void {
    const parsed = faults.map((fault) => parseFault(operation, fault));
    this.#queues.set(operation, [...this.#queue(operation), ...parsed]);
  }

  /** Takes the fault for the next call. */
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

/** The effect of a fault. */
export function factsOf(fault: ScriptedFault | undefined): FaultFacts | undefined {
  return fault === undefined ? undefined : FAULTS[fault.fault];
}

/** The value that a call with this fault throws. */
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
  throw invalid("The fault", [{ ...problem, allowed: `this fault for ${facts.only.join(", ")} only` }]);
}
