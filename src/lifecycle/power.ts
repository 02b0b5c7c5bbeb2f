/** Stopping and starting a compute, and moving its idle deadline. */
import { AtlasError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import type { ComputeRecord, ComputeStatus } from "../store.ts";
import { type ActOptions, noteOf, toBy } from "./actor.ts";
import { callProvider } from "./call.ts";
import type { Context } from "./context.ts";
import { referenceOf } from "./find-instance.ts";
import { lookNow } from "./looks/looks.ts";
import { namesOf, providerOf } from "./providers.ts";
import { changeRecord, loadRecord } from "./record/change.ts";
import { requestOf } from "./record/observe.ts";
import { lookedPatch, touchedPatch } from "./record/patch.ts";
import { after } from "./record/time.ts";
import { writeBack } from "./record/write-back.ts";

/** Records a sign of life, which moves the idle deadline. @throws CONFLICT when the compute has ended or is ending */
export async function touch(context: Context, id: string, options?: ActOptions): Promise<ComputeRecord> {
  const by = toBy("touch", options);
  return changeRecord(context, id, (record, now) => {
    requireStatus(record, "touched", ["pending", "uncertain", "provisioning", "running", "stopped"]);
    return { patch: touchedPatch(record, now), ...noteOf(by, "it was touched") };
  });
}

/** Stops a running compute. @throws UNSUPPORTED when the provider cannot, CONFLICT when the compute does not run */
export async function stop(context: Context, id: string, options?: ActOptions): Promise<ComputeRecord> {
  const by = toBy("stop", options);
  const record = await freshRecord(context, id, "running");
  if (record.status === "stopped") return record;
  requireStatus(record, "stopped", ["running"]);
  await power(context, record, "stop");
  return writeBack(context, id, (current, now) =>
    current.status === "running" || current.status === "stopped"
      ? {
          patch: {
            ...lookedPatch(current, "stopped", now),
            status: "stopped",
            ports: current.ports.map(requestOf),
            idleDeadline: null,
            costSince: null,
            actedAt: now,
          },
          ...noteOf(by),
        }
      : undefined,
  );
}

/** Starts a stopped compute. @throws UNSUPPORTED, CONFLICT, and CAPACITY when its host has no room */
export async function start(context: Context, id: string, options?: ActOptions): Promise<ComputeRecord> {
  const by = toBy("start", options);
  const record = await freshRecord(context, id, "stopped");
  if (record.status === "running" || record.status === "provisioning") return record;
  requireStatus(record, "started", ["stopped"]);
  const seconds = record.bootTimeoutSeconds ?? providerOf(context, record).bootTimeoutSeconds;
  await power(context, record, "start");
  return writeBack(context, id, (current, now) =>
    current.status === "stopped" || current.status === "provisioning"
      ? {
          patch: {
            ...lookedPatch(current, "provisioning", now),
            status: "provisioning",
            ports: current.ports.map(requestOf),
            bootDeadline: after(now, seconds),
            idleDeadline: null,
            costSince: current.costSince ?? now,
            actedAt: now,
            answeredAt: null,
          },
          ...noteOf(by),
        }
      : undefined,
  );
}

/** The record in that state, or else as a look shows it now: a refusal must not rest on what was true minutes ago. */
async function freshRecord(context: Context, id: string, expected: ComputeStatus): Promise<ComputeRecord> {
  const { record } = await loadRecord(context, id);
  return record.status === expected ? record : lookNow(context, id);
}

async function power(context: Context, record: ComputeRecord, operation: "stop" | "start"): Promise<void> {
  const provider = providerOf(context, record);
  const method: Provider["stop"] = provider[operation];
  if (method === undefined) throw cannotPower(context, provider, operation);
  const reference = referenceOf(record);
  await context.store.requireOwnership();
  await callProvider(context, { provider, operation, computeId: record.id }, (callContext) =>
    method.call(provider, reference, callContext),
  );
}

function cannotPower({ providers }: Context, { name }: Provider, operation: "stop" | "start"): AtlasError {
  const able = namesOf(providers.filter((provider) => provider[operation] !== undefined));
  const message = `${name} cannot ${operation} an instance; of the configured providers these can: ${able}`;
  return new AtlasError("UNSUPPORTED", message, { provider: name });
}

function requireStatus({ id, status }: ComputeRecord, done: string, allowed: readonly ComputeStatus[]): void {
  if (allowed.includes(status)) return;
  throw new AtlasError(
    "CONFLICT",
    `compute ${id} is ${status} and cannot be ${done}; it would have to be ${allowed.join(" or ")}`,
    { computeId: id },
  );
}
