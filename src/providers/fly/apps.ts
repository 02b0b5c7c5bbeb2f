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

/** Assigns the addresses that the app lacks. */
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

const REMOVAL_BACKOFF: Backoff = { firstSeconds: 0.25, maxSeconds: 2 };
const REMOVAL_SECONDS = 20;

/**
 * Removes an app without a machine, and waits until it is gone, so that the next attempt finds its name free. The removal is not
 * forced, so Fly refuses it when the app has a machine after all.
 * @throws when the app may still be there.
 */
export async function removeEmptyApp(
  { api, clock }: Account,
  app: string,
  context: CallContext,
): Promise<void> {
  await api.deleteApp(app, false, context);
  const endsAt = clock.now().getTime() + REMOVAL_SECONDS * 1000;
  for (let looks = 0; (await api.app(app, context)) !== undefined; looks += 1) {
    if (clock.now().getTime() >= endsAt)
      throw new AtlasError(
        "TIMEOUT",
        `fly: the app ${app} is still there ${REMOVAL_SECONDS} s after its removal began`,
      );
    await clock.sleep(backoffSeconds(REMOVAL_BACKOFF, looks) * 1000, context.signal);
  }
}
