/** A compute's own app: its create, its addresses and its removal. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError, withFacts } from "../../errors.ts";
import { type Backoff, backoffSeconds } from "../../internal/backoff.ts";
import type { Account } from "./account.ts";
import type { Address, AddressType } from "./wire.ts";

/**
 * Creates the app, or uses the app of that name when it belongs to our organization. Names are unique across Fly, so a create after a
 * lost answer, or after an earlier attempt, finds the app and never makes a second one.
 * @returns true when the app is new.
 * @throws CONFLICT when another organization has the name.
 */
export async function ensureApp(
  account: Account,
  app: string,
  network: string,
  context: CallContext,
): Promise<boolean> {
  const org = account.org();
  try {
    await account.api.createApp({ name: app, org_slug: org, network }, context);
    return true;
  } catch (error) {
    if (!mayExist(error)) throw error;
    await requireOwnApp(account, app, error, context);
    return false;
  }
}

function mayExist(error: unknown): error is AtlasError {
  if (!isAtlasError(error)) return false;
  return error.mayHaveCreated === true || error.status === 409 || error.status === 422;
}

/** Answers of Fly about an app that is new and that not every part of Fly knows yet. They prove nothing. */
const UNKNOWN_YET: ReadonlySet<number | undefined> = new Set([401, 404]);
const SPREADING: Backoff = { firstSeconds: 0.5, maxSeconds: 4 };
const SPREADING_SECONDS = 30;

/** True for a refusal that a new app meets until every part of Fly knows it. */
export function isUnknownYet(error: unknown): boolean {
  return isAtlasError(error) && UNKNOWN_YET.has(error.status);
}

/** Sends a request about a new app, again and again while the app is not known everywhere. Such a refusal means that nothing was done. */
export async function onceKnown<Answer>(
  { clock }: Account,
  { signal }: CallContext,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const endsAt = clock.now().getTime() + SPREADING_SECONDS * 1000;
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnknownYet(error) || clock.now().getTime() >= endsAt) throw error;
      await clock.sleep(backoffSeconds(SPREADING, tries) * 1000, signal);
    }
  }
}

/**
 * Reads a compute's own app. A 401 may mean that this part of Fly does not know the new app yet, or that the token is wrong; a request
 * about the organization tells which.
 * @throws UNAVAILABLE when only the app is unknown
 */
export async function readOwn<Answer>(
  { api, org, sharedApp }: Account,
  context: CallContext,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "AUTH_ERROR" || sharedApp !== undefined) throw error;
    await api.apps(org(), context);
    const message = `${error.message}; the token is valid, so this part of Fly does not know the app yet`;
    throw new AtlasError("UNAVAILABLE", message, { provider: "fly", status: error.status });
  }
}

/** @throws CONFLICT when another organization has the name, else the refusal when the app is nowhere to be found */
async function requireOwnApp(
  account: Account,
  app: string,
  refusal: AtlasError,
  context: CallContext,
): Promise<void> {
  const isRefused = refusal.code === "VALIDATION";
  const look = (): Promise<string | undefined> => holderOf(account, app, context);
  const holder = await (isRefused ? look() : onceKnown(account, context, look)).catch((error: unknown) => {
    if (!isAtlasError(error)) throw error;
    if (error.status === 404) throw refusal;
    if (error.code === "FORBIDDEN") throw foreignAppError(app, "another organization");
    throw withFacts(error, { mayHaveCreated: true });
  });
  if (holder !== account.org()) throw foreignAppError(app, `the organization ${holder ?? "unknown"}`);
}

/** The organization that has the app. @throws NOT_FOUND without such an app */
async function holderOf({ api }: Account, app: string, context: CallContext): Promise<string | undefined> {
  const found = await api.app(app, context);
  if (found !== undefined) return found.organization?.slug ?? undefined;
  throw new AtlasError("NOT_FOUND", `fly: there is no app ${app}`, { provider: "fly", status: 404 });
}

function foreignAppError(app: string, holder: string): AtlasError {
  const message = `fly: the app ${app} belongs to ${holder}`;
  return new AtlasError("CONFLICT", message, { provider: "fly", mayHaveCreated: false });
}

/** Assigns the addresses that the app lacks. */
export async function assignAddresses(
  account: Account,
  app: string,
  types: readonly AddressType[],
  isNew: boolean,
  context: CallContext,
): Promise<void> {
  if (types.length === 0) return;
  const { api } = account;
  const ask = <Answer>(request: () => Promise<Answer>): Promise<Answer> =>
    onceKnown(account, context, request);
  const present = isNew ? [] : (await ask(() => api.addresses(app, context))).map(typeOf);
  const missing = types.filter((type) => !present.includes(type));
  const answers = await Promise.allSettled(
    missing.map((type) => ask(() => api.assignAddress(app, type, context))),
  );
  for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
}

const PRIVATE_V6 = /^fd/i;

function typeOf({ ip, shared }: Address): AddressType | "private" {
  if (!ip.includes(":")) return shared ? "shared_v4" : "v4";
  return PRIVATE_V6.test(ip) ? "private" : "v6";
}

const REMOVAL_BACKOFF: Backoff = { firstSeconds: 0.25, maxSeconds: 2 };
const REMOVAL_SECONDS = 20;

/**
 * Removes an app without a machine, and waits until it is gone, so that the next attempt finds its name free. The removal is not
 * forced, so Fly refuses it when the app has a machine after all.
 * @returns true when Fly accepted the removal, false when it knew no such app
 * @throws when the app may still be there.
 */
export async function removeEmptyApp(
  { api, clock }: Account,
  app: string,
  context: CallContext,
): Promise<boolean> {
  const accepted = await api.deleteApp(app, false, context);
  const endsAt = clock.now().getTime() + REMOVAL_SECONDS * 1000;
  for (let looks = 0; (await api.app(app, context)) !== undefined; looks += 1) {
    if (clock.now().getTime() >= endsAt)
      throw new AtlasError(
        "TIMEOUT",
        `fly: the app ${app} is still there ${REMOVAL_SECONDS} s after its removal began`,
      );
    await clock.sleep(backoffSeconds(REMOVAL_BACKOFF, looks) * 1000, context.signal);
  }
  return accepted;
}
