/** The app that a compute has of its own: made, addressed, and taken back again. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError, withFacts } from "../../errors.ts";
import type { Account } from "./account.ts";
import type { Address, AddressType } from "./wire.ts";

/**
 * Makes the app, or takes the one of that name when it is our organization's: names are unique across Fly, so the app of a lost
 * answer, or of an earlier attempt, can only be found and never be doubled. Answers whether it is new.
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

async function requireOwnApp(
  { api, org }: Account,
  app: string,
  refusal: AtlasError,
  context: CallContext,
): Promise<void> {
  const found = await api.app(app, context).catch((error: unknown) => {
    throw isAtlasError(error) ? withFacts(error, { mayHaveCreated: true }) : error;
  });
  if (found === undefined) throw refusal;
  const holder = found.organization?.slug;
  if (holder === org()) return;
  throw new AtlasError("CONFLICT", `fly: the app ${app} belongs to the organization ${holder ?? "unknown"}`, {
    provider: "fly",
    mayHaveCreated: false,
  });
}

/** Gives the app the addresses that it lacks. */
export async function assignAddresses(
  { api }: Account,
  app: string,
  types: readonly AddressType[],
  isNew: boolean,
  context: CallContext,
): Promise<void> {
  if (types.length === 0) return;
  const present = isNew ? [] : (await api.addresses(app, context)).map(typeOf);
  const missing = types.filter((type) => !present.includes(type));
  const answers = await Promise.allSettled(missing.map((type) => api.assignAddress(app, type, context)));
  for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
}

const PRIVATE_V6 = /^fd/i;

function typeOf({ ip, shared }: Address): AddressType | "private" {
  if (!ip.includes(":")) return shared ? "shared_v4" : "v4";
  return PRIVATE_V6.test(ip) ? "private" : "v6";
}

const FIRST_WAIT_MILLISECONDS = 250;
const MAX_WAIT_MILLISECONDS = 2_000;
const REMOVAL_SECONDS = 20;

/**
 * Removes an app in which no machine was made, and waits until it is gone, so that the next attempt finds its name free. Fly itself
 * refuses it, because it is not forced, should there be a machine in it after all.
 * @throws when the app may still be there.
 */
export async function takeBack({ api, clock }: Account, app: string, context: CallContext): Promise<void> {
  await api.deleteApp(app, false, context);
  const endsAt = clock.now().getTime() + REMOVAL_SECONDS * 1000;
  for (let wait = FIRST_WAIT_MILLISECONDS; (await api.app(app, context)) !== undefined; wait *= 2) {
    if (clock.now().getTime() >= endsAt)
      throw new AtlasError(
        "TIMEOUT",
        `fly: the app ${app} is still there ${REMOVAL_SECONDS} s after its end`,
      );
    await clock.sleep(Math.min(wait, MAX_WAIT_MILLISECONDS), context.signal);
  }
}
