/** The doubts that stand against an absence: the list of an account that shows nothing of ours, and the key of another account. */
import { createHash } from "node:crypto";
import { namePrefix } from "../internal/names.ts";
import type { Instance, Provider } from "../provider.ts";
import { ACCOUNT_NOTE, type ComputeRecord, type ComputeStatus } from "../store.ts";
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

/** Finds the doubt against the absences in a whole list. */
export async function doubtIn(context: Context, provider: Provider, listing: Listing): Promise<Doubt> {
  if (await isOtherAccount(context, provider)) return "account";
  const records = await recordsExpected(context, provider);
  return wholesaleDoubt(context, provider, { records, least: WHOLESALE_COMPUTES }, listing);
}

/**
 * Finds the doubt against an answer that one instance does not exist. The list that decides began after that answer, so that neither an account that
 * changes meanwhile nor an API that begins to err can confirm it. Callers at the same time share a list.
 */
export async function doubtAfter(
  context: Context,
  provider: Provider,
  missed: ComputeRecord,
): Promise<Doubt> {
  const evidence = evidenceOf(context, provider);
  const { begun } = evidence;
  const records = await recordsExpected(context, provider);
  const least = isHeld(missed) ? 1 : WHOLESALE_COMPUTES;
  if (records.length < least && provider.account === undefined) return "none";
  const { listing, isOther } = await evidence.after(begun);
  if (isOther) return "account";
  return isListed(listing, missed, await context.store.identity())
    ? "listed"
    : wholesaleDoubt(context, provider, { records, least }, listing);
}

function isListed({ instances }: Listing, { name, providerId }: ComputeRecord, owner: string): boolean {
  return instances.some(
    (instance) =>
      instance.name === name &&
      (providerId === null ? instance.owner === owner : instance.providerId === providerId) &&
      instance.status !== "terminating" &&
      instance.status !== "terminated",
  );
}

interface Evidence {
  readonly listing: Listing;
  readonly isOther: boolean;
}

/** Readings of a provider's list and account, one after the other. */
class SharedEvidence {
  readonly #context: Context;
  readonly #provider: Provider;
  /** The number of readings that have begun. */
  begun = 0;
  #last: Promise<Evidence> | undefined;
  #next: Promise<void> | undefined;

  constructor(context: Context, provider: Provider) {
    this.#context = context;
    this.#provider = provider;
  }

  /** A reading that began after so many others had. */
  async after(begun: number): Promise<Evidence> {
    if (this.begun <= begun) {
      this.#next ??= this.#begin();
      await this.#next;
    }
    return this.#last ?? this.#read();
  }

  /** Begins the next reading when the last one is over: all that ask meanwhile share it. */
  async #begin(): Promise<void> {
    await this.#last?.catch(() => undefined);
    this.#next = undefined;
    this.begun += 1;
    this.#last = this.#read();
    // A failure is told to those that wait for it.
    this.#last.catch(() => undefined);
  }

  async #read(): Promise<Evidence> {
    const isOther = await isOtherAccount(this.#context, this.#provider);
    return { isOther, listing: await readListing(this.#context, this.#provider) };
  }
}

const evidence = new WeakMap<Context, Map<string, SharedEvidence>>();

function evidenceOf(context: Context, provider: Provider): SharedEvidence {
  const own = evidence.get(context) ?? new Map<string, SharedEvidence>();
  evidence.set(context, own);
  const shared = own.get(provider.name) ?? new SharedEvidence(context, provider);
  own.set(provider.name, shared);
  return shared;
}

/** The number of computes whose absence together is suspicious. */
const WHOLESALE_COMPUTES = 2;

/** States in which a provider has shown the instance, or is asked for its end. */
const EXPECTED: readonly ComputeStatus[] = ["provisioning", "running", "stopped", "terminating"];

/** The number of records that are compared with a list, the newest ones. */
const MAX_COMPARED = 100;

/** True for an end that is not confirmed because of a doubt. */
function isHeld({ status, absentSince }: ComputeRecord): boolean {
  return status === "terminating" && absentSince !== null;
}

/** The computes whose instances a provider should show, the newest ones. An end that is held was one of them when the doubt began. */
async function recordsExpected(
  { store, namespace }: Context,
  { name: provider }: Provider,
): Promise<readonly ComputeRecord[]> {
  const records = await store.list({ namespace, provider, statuses: EXPECTED }, { limit: MAX_COMPARED });
  return records.filter((record) => record.status !== "terminating" || isHeld(record));
}

/** `wholesale` when the list shows none of two or more expected computes, and nothing else of this store. */
async function wholesaleDoubt(
  context: Context,
  provider: Provider,
  { records, least }: { readonly records: readonly ComputeRecord[]; readonly least: number },
  { instances, begunAt }: Listing,
): Promise<Doubt> {
  const expected = records.filter((record) => absenceProvenFrom(context, provider, record) <= begunAt);
  if (expected.length < least) return "none";
  const names = new Set(expected.map(({ name }) => name));
  const owner = await context.store.identity();
  if (instances.some((instance) => instance.owner === owner || names.has(instance.name))) return "none";
  tellOnce(
    context,
    provider,
    `${provider.name} shows none of ${expected.length} computes: no compute ends for it until it has been so for 15 minutes. Check that its key is the account's, and that its API works`,
  );
  return "wholesale";
}

/** The time in which a doubt is told once, however many absences it stands against. */
const TOLD_SECONDS = 10;
const told = new WeakMap<Provider, number>();

function tellOnce({ clock, logger }: Context, provider: Provider, message: string): void {
  const now = clock.now().getTime();
  if (now - (told.get(provider) ?? Number.NEGATIVE_INFINITY) < TOLD_SECONDS * 1000) return;
  told.set(provider, now);
  logger.error(message, { provider: provider.name });
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
  const { store, namespace } = context;
  const kept = await store.remember({ namespace, name: `${ACCOUNT_NOTE}${provider.name}`, value, seconds });
  if (kept === value) return false;
  tellOnce(
    context,
    provider,
    `the key of ${provider.name} belongs to another account (${value}) than the one in which this store's computes were seen (${kept}): no compute there is ` +
      "believed to be gone. Set the key of that account; or, if its computes were given up or moved, run `atlas-compute adopt --moved`",
  );
  return true;
}

async function hashOfAccount(context: Context, provider: Provider): Promise<string | undefined> {
  const ask = provider.account?.bind(provider);
  const account = ask && (await callProvider(context, { provider, operation: "account" }, ask));
  return account && createHash("sha256").update(account).digest("hex").slice(0, HASH_CHARACTERS);
}
