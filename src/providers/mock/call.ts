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
  | "listGpuTypes";

/** A call that a mock got. */
export interface MockCall {
  readonly operation: MockOperation;
  readonly at: Date;
  /** The instance's name, or the prefix of a `list`. */
  readonly name?: string;
  readonly providerId?: string;
  /** The GPU of the candidate that was to be created. */
  readonly gpu?: string;
  /** The region of the candidate that was to be created. */
  readonly region?: string;
}

/** A call in words. */
export function subjectOf({ operation, name }: Omit<MockCall, "at">): string {
  return name === undefined ? operation : `${operation} of ${name}`;
}

/** A call about an instance. */
export function about(
  operation: MockOperation,
  { name, providerId }: InstanceReference,
): Omit<MockCall, "at"> {
  return { operation, name, ...(providerId === undefined ? {} : { providerId }) };
}
