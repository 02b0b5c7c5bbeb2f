/** After a create with an unknown outcome: looks the instance up by its exact name until it turns up or the time is over. */
import { AtlasError, isAtlasError } from "../../errors.ts";
import { backoffSeconds } from "../../internal/backoff.ts";
import { pause } from "../../internal/pause.ts";
import type { Instance, Provider } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import { terminateInstance } from "../end-instance.ts";
import { codeOf } from "../failures.ts";
import { findByName, oldest } from "../find-instance.ts";
import { after } from "../record/time.ts";
import { writeBack } from "../record/write-back.ts";
import { type SpawnState, withTrace } from "./state.ts";

const PAUSE = { firstSeconds: 1, maxSeconds: 16 };

/** Finds the instance of a create whose outcome is unknown. @throws UNCERTAIN when it does not turn up in time */
export async function findUnknown(
  state: SpawnState,
  record: ComputeRecord,
  provider: Provider,
  error: AtlasError,
): Promise<Instance> {
  const message = `${provider.name} did not say whether it created the instance: looking it up`;
  state.report("looking-up", message, record);
  const instance = await reconcile(state, record, provider);
  if (instance !== undefined) return instance;
  const { status } = await markUncertain(state, provider, error);
  throw uncertain(record, provider, error, status);
}

/** The oldest whole instance of that name; `undefined` when none turned up in `lookupSeconds`, or the caller gave up. */
async function reconcile(
  state: SpawnState,
  record: ComputeRecord,
  provider: Provider,
): Promise<Instance | undefined> {
  const { context, signal } = state;
  const { clock, timing } = context;
  const end = clock.now().getTime() / 1000 + timing.lookupSeconds;
  for (let tries = 0; !signal?.aborted; tries += 1) {
    const found = await lookForName(state, record, provider);
    const whole = found.filter(({ partial }) => partial === undefined);
    const instance = oldest(whole);
    await endDuplicates(
      state,
      provider,
      whole.filter((other) => other !== instance),
    );
    if (instance !== undefined) return instance;
    const left = end - clock.now().getTime() / 1000;
    if (left <= 0) return undefined;
    await pause(clock, Math.min(backoffSeconds(PAUSE, tries), left), signal);
  }
  return undefined;
}

async function lookForName(
  { context, signal }: SpawnState,
  { id, name }: ComputeRecord,
  provider: Provider,
): Promise<readonly Instance[]> {
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  try {
    return await findByName(context, { provider, signal, computeId: id, timeoutSeconds }, name);
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    context.logger.warn(`looking for compute ${id} failed`, { computeId: id, code: error.code });
    return [];
  }
}

/** Ends the further instances of a create that was carried out twice. The reaper ends as orphans those that could not be ended here. */
async function endDuplicates(
  { context, id }: SpawnState,
  provider: Provider,
  duplicates: readonly Instance[],
): Promise<void> {
  for (const { name, providerId } of duplicates)
    await terminateInstance(context, { provider, computeId: id }, { name, providerId }).catch(
      (error: unknown) =>
        context.logger.warn(`a second instance of compute ${id} could not be ended yet`, {
          computeId: id,
          providerId,
          code: codeOf(error),
        }),
    );
}

/** Stores that the outcome is unknown. The reaper ends what a caller that gave up has left behind. */
function markUncertain(
  state: SpawnState,
  provider: Provider,
  { message }: AtlasError,
): Promise<ComputeRecord> {
  const { context, id, signal } = state;
  const gaveUp = signal?.aborted === true;
  return writeBack(context, id, ({ status }, now) =>
    status === "pending"
      ? {
          patch: {
            status: "uncertain",
            reason: gaveUp ? "requested" : null,
            lastError: message,
            checkAt: gaveUp ? now : after(now, context.timing.lookupSeconds),
          },
        }
      : undefined,
  ).catch((error: unknown) => {
    throw withTrace(error, provider);
  });
}

function uncertain(
  { id }: ComputeRecord,
  { name: provider }: Provider,
  cause: AtlasError,
  state: ComputeRecord["status"],
): AtlasError {
  const { status, requestId, message } = cause;
  const next = state === "uncertain" ? "it stays recorded and the reaper keeps looking" : `it is ${state}`;
  return new AtlasError(
    "UNCERTAIN",
    `${provider} may have created compute ${id} (${message}); ${next}: do not spawn again before it is settled`,
    { status, requestId, provider, computeId: id, mayHaveCreated: true, cause },
  );
}
