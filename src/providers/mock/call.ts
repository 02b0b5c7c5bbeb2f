/** The calls that a mock records. */
import { defined } from "../../internal/defined.ts";
import type { InstanceReference } from "../../provider.ts";

/** An operation of a provider, by the name of its method. */
export type MockOperation =
  | "candidates"
  | "create"
  | "get"
  | "list"
  | "find"
  | "terminate"
  | "stop"
  | "start"
  | "logs"
  | "listGpuTypes"
  | "account";

/** A call to a mock. */
export interface MockCall {
  readonly operation: MockOperation;
  readonly at: Date;
  /** The instance's name, or the prefix of a `list`. */
  readonly name?: string;
  readonly providerId?: string;
  /** The GPU of the candidate of a create. */
  readonly gpu?: string;
  /** The region of the candidate of a create. */
  readonly region?: string;
}

/** Describes a call. */
export function subjectOf({ operation, name }: Omit<MockCall, "at">): string {
  return name === undefined ? operation : `${operation} of ${name}`;
}

/** Makes the record of a call about an instance. */
export function about(
  operation: MockOperation,
  { name, providerId }: InstanceReference,
): Omit<MockCall, "at"> {
  return defined({ operation, name, providerId });
}
