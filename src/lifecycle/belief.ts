/** The doubts that stand against an absence: the list of an account that shows nothing of ours, and the key of another account. */
import { createHash } from "node:crypto";
import { namePrefix } from "../internal/names.ts";
import type { Instance, Provider } from "../provider.ts";
import { ACCOUNT_NOTE, type ComputeStatus } from "../store.ts";
import { callProvider, listTimeoutSeconds } from "./call.ts";
import type { Context } from "./context.ts";
import { absenceProvenFrom } from "./find-instance.ts";
import type { Doubt } from "./record/absence.ts";

/** The instances that a provider listed. Changes after the list began may be missing from it. */
export interface Listing {
  /** In the store's time. */
  readonly begunAt: Date;
  readonly instances: readonly Instance[];
}

/** Lists every instance of the namespace at this provider, in full or not at all. */
export async function readListing(
  context: Context,
  provider: Provider,
  signal?: AbortSignal,
): Promise<Listing> {
  const begunAt = await context.store.now();
  const call = { provider, operation: "list", signal, timeoutSeconds: listTimeoutSeconds(context) };
  const instances = await callProvider(context, call, (callContext) =>
    provider.list({ namePrefix: namePrefix(context.namespace) }, callContext),
  );
  return { begunAt, instances };
}

/** Finds the doubt against each absence at this provider, and tells it as an error. The list is read only where two computes are expected in it. */
export async function findDoubt(
  context: Context,
  provider: Provider,
  read: () => Promise<Listing>,
): Promise<Doubt> {
  if (await isOtherAccount(context, provider)) return "account";
  return (await isWholesale(context, provider, read)) ? "wholesale" : "none";
}

/** The time for which a doubt that was found is not looked for again, by callers that have no pass of the reaper to share it in. */
const DOUBTED_SECONDS = 10;

const shared = new WeakMap<Context, Map<string, { readonly at: number; readonly doubt: Promise<Doubt> }>>();

/** The doubt against each absence at this provider. Callers at the same time share one search, and one that finds a doubt holds for ten seconds. */
export function currentDoubt(context: Context, provider: Provider): Promise<Doubt> {
  const own = shared.get(context) ?? new Map();
  shared.set(context, own);
  const at = context.clock.now().getTime();
  const known = own.get(provider.name);
  if (known !== undefined && at - known.at < DOUBTED_SECONDS * 1000) return known.doubt;
  const doubt = findDoubt(context, provider, () => readListing(context, provider));
  own.set(provider.name, { at, doubt });
  const forget = (): void => void own.delete(provider.name);
  doubt.then((found) => (found === "none" ? forget() : undefined), forget);
  return doubt;
}

/** States in which a provider has shown the instance. */
const SHOWN: readonly ComputeStatus[] = ["provisioning", "running", "stopped"];

/** The number of records that are compared with a list, the newest ones. */
const MAX_COMPARED = 100;

/** True when the list shows none of two or more expected computes, and nothing else of this store. */
async function isWholesale(
  context: Context,
  provider: Provider,
  read: () => Promise<Listing>,
): Promise<boolean> {
  const { store, namespace, logger } = context;
  const filter = { namespace, provider: provider.name, statuses: SHOWN };
  const records = await store.list(filter, { limit: MAX_COMPARED });
  if (records.length < 2) return false;
  const { instances, begunAt } = await read();
  const expected = records.filter((record) => absenceProvenFrom(context, provider, record) <= begunAt);
  const names = new Set(expected.map(({ name }) => name));
  const owner = await store.identity();
  const isOurs = (instance: Instance): boolean => instance.owner === owner || names.has(instance.name);
  if (expected.length < 2 || instances.some(isOurs)) return false;
  logger.error(
    `${provider.name} shows none of ${expected.length} computes: no compute ends for it until it has been so for 15 minutes. Check that its key is the account's, and that its API works`,
    { provider: provider.name, expected: expected.length },
  );
  return true;
}

/** The time for which an account is remembered; then the next pass that sees our instances there remembers it again. */
const REMEMBERED_SECONDS = 30 * 86_400;
/** The characters of an account's hash that are kept and shown: enough to tell accounts apart, and none of the account's own. */
const HASH_CHARACTERS = 12;

/** Remembers the account in which this store's instances were just seen; of several accounts the first one. Tells it where another one is remembered. */
export async function rememberAccount(context: Context, provider: Provider): Promise<void> {
  await isOtherAccount(context, provider, REMEMBERED_SECONDS);
}

/**
 * True when the provider's key belongs to another account than the remembered one. False where the provider does not tell, or none is remembered: then
 * this one, in which nothing of ours was seen yet, is not kept for longer than a moment.
 */
async function isOtherAccount(context: Context, provider: Provider, seconds = 1): Promise<boolean> {
  const value = await hashOfAccount(context, provider);
  if (value === undefined) return false;
  const { store, namespace, logger } = context;
  const kept = await store.remember({ namespace, name: `${ACCOUNT_NOTE}${provider.name}`, value, seconds });
  if (kept === value) return false;
  logger.error(
    `the key of ${provider.name} belongs to another account (${value}) than the one in which this store's computes were seen (${kept}): no compute there is ` +
      "believed to be gone. Set the key of that account; or, if its computes were given up or moved, run `atlas-compute adopt --moved`",
    { provider: provider.name, account: value, remembered: kept },
  );
  return true;
}

async function hashOfAccount(context: Context, provider: Provider): Promise<string | undefined> {
  const ask = provider.account?.bind(provider);
  const account = ask && (await callProvider(context, { provider, operation: "account" }, ask));
  return account && createHash("sha256").update(account).digest("hex").slice(0, HASH_CHARACTERS);
}
