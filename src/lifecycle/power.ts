/** Stopping and starting a compute, and moving its idle deadline. */
import { AtlasError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import type { ComputeRecord, ComputeStatus } from "../store.ts";
import { callProvider } from "./call.ts";
import { type Context, providerOf } from "./context.ts";
import { referenceOf } from "./find-instance.ts";
import { after, changeRecord, loadRecord } from "./record/change.ts";
import { CHECK_SECONDS } from "./record/observe.ts";

/** Notes a sign of life: the idle deadline moves. @throws CONFLICT when the compute has ended or is ending. */
export function touch(context: Context, id: string): Promise<ComputeRecord> {
  return changeRecord(context, id, (record, now) => {
    requireStatus(record, "touched", ["pending", "uncertain", "provisioning", "running", "stopped"]);
    const idleDeadline = record.idleDeadline && after(now, record.idleTimeoutSeconds);
    return { patch: { lastActiveAt: now, idleDeadline } };
  });
}

/** Stops a running compute. @throws UNSUPPORTED where the provider cannot, CONFLICT when it does not run. */
export async function stop(context: Context, id: string): Promise<ComputeRecord> {
  const { record } = await loadRecord(context, id);
  if (record.status === "stopped") return record;
  requireStatus(record, "stopped", ["running"]);
  await power(context, record, "stop");
  return changeRecord(context, id, ({ status }, now) =>
    status === "running"
      ? {
          patch: {
            status: "stopped",
            idleDeadline: null,
            checkAt: after(now, CHECK_SECONDS),
            costSince: null,
          },
        }
      : undefined,
  );
}

/** Starts a stopped compute. @throws UNSUPPORTED, CONFLICT, CAPACITY when its host has no room. */
export async function start(context: Context, id: string): Promise<ComputeRecord> {
  const { record } = await loadRecord(context, id);
  if (record.status === "running" || record.status === "provisioning") return record;
  requireStatus(record, "started", ["stopped"]);
  const { bootTimeoutSeconds } = providerOf(context, record);
  await power(context, record, "start");
  return changeRecord(context, id, ({ status }, now) =>
    status === "stopped"
      ? {
          patch: {
            status: "provisioning",
            bootDeadline: after(now, bootTimeoutSeconds),
            checkAt: after(now, CHECK_SECONDS),
            costSince: now,
          },
        }
      : undefined,
  );
}

async function power(context: Context, record: ComputeRecord, operation: "stop" | "start"): Promise<void> {
  const provider = providerOf(context, record);
  const method: Provider["stop"] = provider[operation];
  if (method === undefined) throw cannot(context, provider, operation);
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  const reference = referenceOf(record);
  await callProvider(context, { provider, operation, timeoutSeconds, computeId: record.id }, (callContext) =>
    method.call(provider, reference, callContext),
  );
}

function cannot({ providers }: Context, { name }: Provider, operation: "stop" | "start"): AtlasError {
  const able = providers
    .filter((provider) => provider[operation] !== undefined)
    .map((provider) => provider.name);
  const who = able.length === 0 ? "" : `; of the configured providers these can: ${able.join(", ")}`;
  return new AtlasError("UNSUPPORTED", `${name} cannot ${operation} an instance${who}`, { provider: name });
}

function requireStatus({ id, status }: ComputeRecord, done: string, allowed: readonly ComputeStatus[]): void {
  if (allowed.includes(status)) return;
  throw new AtlasError(
    "CONFLICT",
    `compute ${id} is ${status} and cannot be ${done}; it would have to be ${allowed.join(" or ")}`,
    {
      computeId: id,
    },
  );
}
