/** Creating an instance: the app, its addresses, a volume, the machine; and taking back what a refusal leaves. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import type { CreateRequest, Instance } from "../../provider.ts";
import { type Account, hostOf } from "./account.ts";
import { assignAddresses, ensureApp, takeBack } from "./apps.ts";
import { toInstance } from "./convert.ts";
import { parseComputeOptions } from "./options.ts";
import { type Plan, toPlan } from "./plan.ts";
import type { Machine, MachineBody } from "./wire.ts";

/** Creates the machine of a request, with everything it needs around it. */
export async function createInstance(
  account: Account,
  request: CreateRequest,
  context: CallContext,
): Promise<Instance> {
  const plan = toPlan(request, parseComputeOptions(request.options), account.clock.now());
  const machine =
    account.sharedApp === undefined
      ? await createInOwnApp(account, plan, context)
      : await createMachine(account, account.sharedApp, plan.machine, context);
  return toInstance(machine, hostOf(account, request.name, machine.id));
}

async function createInOwnApp(account: Account, plan: Plan, context: CallContext): Promise<Machine> {
  const app = plan.machine.name;
  const isNew = await ensureApp(account, app, plan.network, context);
  const withdraw = (error: unknown): Promise<never> => throwWithoutApp(account, app, error, context);
  const machine = await furnish(account, plan, isNew, context).catch(withdraw);
  return createMachine(account, app, machine, context).catch((error: unknown) => {
    if (isAtlasError(error) && error.mayHaveCreated === false) return withdraw(error);
    throw error;
  });
}

/** Gives the app what the machine needs, and answers the machine with it. */
async function furnish(
  account: Account,
  { machine, addresses, volume }: Plan,
  isNew: boolean,
  context: CallContext,
): Promise<MachineBody> {
  const app = machine.name;
  await assignAddresses(account, app, addresses, isNew, context);
  if (volume === undefined) return machine;
  const id = await account.api.createVolume(app, volume.body, context);
  return { ...machine, config: { ...machine.config, mounts: [{ volume: id, path: volume.path }] } };
}

async function createMachine(
  { api }: Account,
  app: string,
  body: MachineBody,
  context: CallContext,
): Promise<Machine> {
  try {
    return await api.createMachine(app, body, context);
  } catch (error) {
    const holder = isAtlasError(error) && error.code === "CONFLICT" ? error.providerId : undefined;
    if (holder === undefined) throw error;
    const machine = await api.machine(app, holder, context).catch(throwAsUnsure);
    return machine?.name === body.name ? machine : throwAsUnsure(error);
  }
}

/** Fly said that a machine of this name exists, and did not show it. */
function throwAsUnsure(error: unknown): never {
  throw isAtlasError(error) ? withOutcome(error, true) : error;
}

/** Removes the app, and throws the error with the outcome that this leaves. */
async function throwWithoutApp(
  account: Account,
  app: string,
  error: unknown,
  context: CallContext,
): Promise<never> {
  if (!isAtlasError(error)) throw error;
  const remains = await takeBack(account, app, context).then(
    () => false,
    () => true,
  );
  throw remains
    ? withOutcome(error, true, `${error.message}; its app ${app} could not be removed and may remain`)
    : withOutcome(error, false);
}

function withOutcome(error: AtlasError, mayHaveCreated: boolean, message = error.message): AtlasError {
  const { code, provider, status, retryable, retryAfterSeconds, requestId, details, cause } = error;
  const facts = { provider, status, retryable, retryAfterSeconds, requestId, details, cause };
  return new AtlasError(code, message, { ...facts, mayHaveCreated });
}
