/** After a create with an unknown outcome: look the instance up by its exact name until it turns up or the time is over. */
import { isAtlasError } from "../../errors.ts";
import { pause } from "../../internal/pause.ts";
import type { Instance, Provider } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import { callProvider } from "../call.ts";
import type { Context } from "../context.ts";
import { findByName, oldest } from "../find-instance.ts";

const FIRST_PAUSE_SECONDS = 1;
const MAX_PAUSE_SECONDS = 16;

/** The instance that the create made, the oldest one if it made several; `undefined` when no whole one turned up in `lookupSeconds`. */
export async function reconcile(
  context: Context,
  record: ComputeRecord,
  provider: Provider,
  signal: AbortSignal | undefined,
): Promise<Instance | undefined> {
  const { clock, timing } = context;
  const end = clock.now().getTime() / 1000 + timing.lookupSeconds;
  for (
    let seconds = FIRST_PAUSE_SECONDS;
    !signal?.aborted;
    seconds = Math.min(seconds * 2, MAX_PAUSE_SECONDS)
  ) {
    const found = await lookForName(context, record, provider, signal);
    const [instance, ...others] = oldestFirst(found.filter(({ partial }) => partial === undefined));
    await endDuplicates(context, record, provider, others);
    if (instance !== undefined) return instance;
    const left = end - clock.now().getTime() / 1000;
    if (left <= 0) return undefined;
    await pause(clock, Math.min(seconds, left), signal);
  }
  return undefined;
}

function oldestFirst(instances: readonly Instance[]): readonly Instance[] {
  const first = oldest(instances);
  return first === undefined ? [] : [first, ...instances.filter((instance) => instance !== first)];
}

async function lookForName(
  context: Context,
  record: ComputeRecord,
  provider: Provider,
  signal: AbortSignal | undefined,
): Promise<readonly Instance[]> {
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  const call = { provider, signal, computeId: record.id, timeoutSeconds };
  try {
    return await findByName(context, call, record.name);
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    context.logger.warn(`looking for compute ${record.id} failed`, {
      computeId: record.id,
      code: error.code,
    });
    return [];
  }
}

/** What fails here stays for the reaper, which ends instances that no record points to. */
async function endDuplicates(
  context: Context,
  record: ComputeRecord,
  provider: Provider,
  duplicates: readonly Instance[],
): Promise<void> {
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  const call = { provider, operation: "terminate", timeoutSeconds, computeId: record.id };
  for (const { name, providerId } of duplicates)
    await callProvider(context, call, (callContext) =>
      provider.terminate({ name, providerId }, callContext),
    ).catch((error: unknown) =>
      context.logger.warn(`a second instance of compute ${record.id} could not be ended yet`, {
        computeId: record.id,
        providerId,
        code: isAtlasError(error) ? error.code : "unknown",
      }),
    );
}
