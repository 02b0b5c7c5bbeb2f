/** One create on one candidate. */
import { AtlasError, isAtlasError, withFacts } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import { describe } from "../../internal/parse.ts";
import { redact } from "../../internal/redact.ts";
import type { CreateRequest, Instance, Provider } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import { callProvider } from "../call.ts";
import { isCleanRefusal, mayHaveCreated } from "../failures.ts";
import type { Placement } from "./candidates.ts";
import { findUnknown } from "./reconcile.ts";
import { secretsEnv } from "./secrets.ts";
import { markFailed, type SpawnState, secretTexts } from "./state.ts";

/**
 * Creates the instance.
 * @throws a clean refusal, after which the next candidate may be tried; any other error ends the spawn, with the record in its right state.
 */
export async function createInstance(
  state: SpawnState,
  record: ComputeRecord,
  placement: Placement,
): Promise<Instance> {
  const { context, signal } = state;
  const { provider, candidate } = placement;
  if (signal?.aborted) throw await markFailed(state, signal.reason);
  const place = [...new Set([provider.name, candidate.gpu, candidate.region])].filter(Boolean).join(" ");
  state.report("creating", `creating on ${place}`, record);
  const request = createRequest(state, record, placement);
  const secrets = secretTexts(state);
  const timeoutSeconds = Math.max(context.timing.createTimeoutSeconds, provider.createTimeoutSeconds ?? 0);
  const report = (message: string): void => state.report("creating", message, record);
  const call = { provider, operation: "create", signal, timeoutSeconds, secrets, computeId: record.id };
  try {
    const instance = await callProvider(context, call, (callContext) =>
      provider.create(request, { ...callContext, report }),
    );
    requireNamed(record, provider, instance);
    return withoutSecrets(instance, secrets);
  } catch (error) {
    if (!isAtlasError(error) || isCleanRefusal(error)) throw error;
    if (!mayHaveCreated(error))
      throw await markFailed(
        state,
        withFacts(error, {}, `compute ${record.id} on ${place}: ${error.message}`),
      );
    return withoutSecrets(await findUnknown(state, record, provider, error), secrets);
  }
}

/** An answer about another instance tells nothing of ours. @throws PROVIDER, whose outcome is unknown, so that ours is looked up by its name */
function requireNamed({ id, name }: ComputeRecord, { name: provider }: Provider, instance: Instance): void {
  if (instance.name === name) return;
  const said = `instance ${describe(instance.providerId)} named ${describe(instance.name)}`;
  const message = `${provider} answered the create of compute ${id} with ${said}, not ${name}`;
  throw new AtlasError("PROVIDER", message);
}

/** The instance without the secrets that its message may quote from the env: the message is stored and shown. */
function withoutSecrets(instance: Instance, secrets: readonly string[]): Instance {
  const { message } = instance;
  return message === undefined ? instance : { ...instance, message: redact(message, secrets) };
}

function createRequest(
  { context, owner, secrets, request: { env, origins } }: SpawnState,
  { lifetimeDeadline, id, name, authSchemes }: ComputeRecord,
  { request, candidate }: Placement,
): CreateRequest {
  const own = defined({
    ATLAS_COMPUTE_ID: id,
    ATLAS_OWNER: owner,
    ATLAS_AUTH: authSchemes.length === 0 ? undefined : authSchemes.join(","),
    ATLAS_DEADLINE: lifetimeDeadline?.toISOString(),
    ATLAS_CONTROL_URL: context.controlUrl,
    ATLAS_ORIGINS: origins.length === 0 ? undefined : origins.join(","),
  });
  return { ...request, candidate, name, owner, env: { ...env, ...own, ...secretsEnv(secrets) } };
}
