import type { CallContext } from "../../provider.ts";
import { factsOf, failureOf, type Script, type ScriptedFault } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import type { Gateway } from "./gateway.ts";
import type { MockSettings } from "./options.ts";
import type { MockCall } from "./types.ts";

/** Everything one mock consists of. */
export interface Cloud {
  readonly settings: MockSettings;
  readonly fleet: Fleet;
  readonly script: Script;
  readonly gateway: Gateway;
  readonly calls: MockCall[];
}

/** Does a call's work, unless a fault is scripted for it. A fault that changes the answer alone is left to `work`. */
export async function call<Result>(
  cloud: Cloud,
  about: Omit<MockCall, "at">,
  { signal }: CallContext,
  work: (fault?: ScriptedFault) => Result | Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const { settings, script, calls } = cloud;
  const made: MockCall = { ...about, at: settings.clock.now() };
  calls.push(made);
  const fault = script.next(made.operation);
  await settings.clock.sleep(settings.latencySeconds * 1000, signal);
  const facts = factsOf(fault);
  if (facts?.done) await work(fault);
  await settings.clock.sleep((fault?.seconds ?? 0) * 1000, signal);
  if (fault === undefined || facts?.answers === "outcome") return work(fault);
  if (facts?.answers === "hang") await untilAborted(signal);
  throw failureOf(settings.name, made, fault);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
}
