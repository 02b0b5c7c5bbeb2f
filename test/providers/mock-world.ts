/** The shared setup of the tests of the mock. */
import type { CallContext } from "../../src/call-context.ts";
import type { CreateRequest, PlacementRequest } from "../../src/provider.ts";
import { cpuPlacement } from "./mock-subject.ts";

export const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };

/** A placement like the CPU machine's, but for these wishes. */
export function placement(wishes: Partial<PlacementRequest> = {}): PlacementRequest {
  return { ...cpuPlacement, ...wishes };
}

/** A create's argument: a CPU machine, but for these wishes. */
export function request(name: string, wishes: Partial<CreateRequest> = {}): CreateRequest {
  return { ...cpuPlacement, candidate: {}, owner: "owner-1", env: { MODEL: "llama" }, name, ...wishes };
}
