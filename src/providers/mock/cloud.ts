/** Calls to a mock: each one is recorded, delayed, and meets its scripted fault. */
import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import { aborted } from "../../internal/abort.ts";
import { type MockCall, subjectOf } from "./call.ts";
import { factsOf, failureOf, type Script, type ScriptedFault } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import type { Gateway } from "./gateway.ts";
import type { MockSettings } from "./options.ts";

/** The parts of one mock. */
export interface Cloud {
  readonly settings: MockSettings;
  readonly fleet: Fleet;
  readonly script: Script;
  readonly gateway: Gateway;
  readonly calls: MockCall[];
}

/** The work of a call. It applies a fault that changes only the answer. */
type Work<Result> = (fault?: ScriptedFault) => Result | Promise<Result>;

/** Records a call and does its work, unless a scripted fault prevents it. */
export async function call<Result>(
  cloud: Cloud,
  about: Omit<MockCall, "at">,
  { signal }: CallContext,
  work: Work<Result>,
): Promise<Result> {
  if (signal.aborted) throw abandonedError(cloud, about, false);
  const made: MockCall = { ...about, at: cloud.settings.clock.now() };
  cloud.calls.push(made);
  try {
    return await answer(cloud, made, signal, work);
  } catch (error) {
    throw signal.aborted && !isAtlasError(error) ? abandonedError(cloud, about, true) : error;
  }
}

async function answer<Result>(
  { settings, script }: Cloud,
  made: MockCall,
  signal: AbortSignal,
  work: Work<Result>,
): Promise<Result> {
  const { clock, latencySeconds, name } = settings;
  const fault = script.next(made.operation);
  const facts = factsOf(fault);
  await clock.sleep(latencySeconds * 1000, signal);
  if (facts?.done) await work(fault);
  await clock.sleep((fault?.seconds ?? 0) * 1000, signal);
  if (fault === undefined || facts?.answers === "outcome") return work(fault);
  if (facts?.answers === "hang") await aborted(signal);
  throw failureOf(name, made, fault);
}

function abandonedError({ settings }: Cloud, about: Omit<MockCall, "at">, sent: boolean): AtlasError {
  const { name: provider } = settings;
  const outcome = sent ? "was cut short" : "was not sent";
  return new AtlasError("TIMEOUT", `${provider}: ${subjectOf(about)} ${outcome}: its caller gave up.`, {
    provider,
    providerId: about.providerId,
    mayHaveCreated: about.operation === "create" ? sent : undefined,
  });
}
