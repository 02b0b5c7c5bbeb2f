/** Lists of an account: strict on the entries that are ours by their names, lenient on those of other programs. */

import * as z from "zod/mini";
import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import { isTooLong, misfit } from "../../internal/http-errors.ts";
import { type Account, appOf } from "./account.ts";
import type { OrgMachinesPage } from "./api.ts";
import { readOwn } from "./apps.ts";
import {
  type AnyEntry,
  type ListedApp,
  listedApp,
  type Machine,
  machineAnswer,
  type OrgMachine,
  orgMachine,
} from "./wire.ts";

/** The condition on the names of the entries to read. */
export type NameFilter = (name: string) => boolean;

/**
 * The machines in the app of these instances, destroyed ones too; `undefined` when a compute's own app does not exist.
 * @throws NOT_FOUND when the shared app does not exist: this is a mistake in the options and proves nothing about its machines.
 */
export async function listMachines(
  account: Account,
  app: string,
  isWanted: NameFilter,
  context: CallContext,
): Promise<readonly Machine[] | undefined> {
  const machines = await readOwn(account, context, () => account.api.machines(app, context));
  if (machines !== undefined) return parseWanted(machines, isWanted, machineAnswer);
  if (account.sharedApp === undefined) return undefined;
  const message = `fly: the app ${account.sharedApp} does not exist: create it, or correct the option app`;
  throw new AtlasError("NOT_FOUND", message, { provider: "fly" });
}

/** The machines of exactly this name that are still here. */
export async function machinesNamed(
  account: Account,
  name: string,
  context: CallContext,
): Promise<readonly Machine[] | undefined> {
  const machines = await listMachines(account, appOf(account, name), (other) => other === name, context);
  return machines?.filter(isHere);
}

/** True for a machine that exists. A migrated one is gone from here. */
export function isHere({ state }: Pick<Machine, "state">): boolean {
  return state !== "destroyed" && state !== "migrated";
}

/** The organization's apps. @throws UNAVAILABLE when Fly counts more apps than it shows */
export async function listApps(
  { api, org }: Account,
  isWanted: NameFilter,
  context: CallContext,
): Promise<readonly ListedApp[]> {
  const { apps, total } = await api.apps(org(), context);
  if (total === undefined || total <= apps.length) return parseWanted(apps, isWanted, listedApp);
  throw incompleteListError(`${apps.length} of ${total} apps`);
}

/** The organization's machines, and the regions that did not answer. */
export interface OrgMachines {
  readonly machines: readonly OrgMachine[];
  readonly silentRegions: readonly string[];
}

/** Reads all pages of the organization's machines. @throws UNAVAILABLE when the pages do not end */
export async function listOrgMachines(
  account: Account,
  isWanted: NameFilter,
  context: CallContext,
): Promise<OrgMachines> {
  const machines: OrgMachine[] = [];
  const silent = new Set<string>();
  for await (const page of readPages(account, context)) {
    machines.push(...parseWanted(page.machines, isWanted, orgMachine));
    for (const region of page.silentRegions) silent.add(region);
  }
  return { machines, silentRegions: [...silent] };
}

const PAGE_SIZE = 1000;
const MAX_PAGES = 1000;

async function* readPages(
  account: Account,
  context: CallContext,
): AsyncGenerator<OrgMachinesPage, void, undefined> {
  const seen = new Set<string>();
  let limit = PAGE_SIZE;
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; ) {
    const page = await pageUnlessTooLong(account, { limit, cursor }, context);
    if (page === undefined) {
      limit = Math.ceil(limit / 2);
      continue;
    }
    yield page;
    count += 1;
    cursor = page.nextCursor;
    if (cursor === undefined) return;
    if (seen.has(cursor)) throw incompleteListError("the same page of machines twice");
    seen.add(cursor);
  }
  throw incompleteListError(`more than ${MAX_PAGES} pages of machines`);
}

/** One page; `undefined` when it is too long to be read, and may be read with fewer machines. */
async function pageUnlessTooLong(
  { api, org }: Account,
  page: { readonly limit: number; readonly cursor: string | undefined },
  context: CallContext,
): Promise<OrgMachinesPage | undefined> {
  try {
    return await api.orgMachines(org(), page, context);
  } catch (error) {
    if (page.limit > 1 && isTooLong(error)) return undefined;
    throw error;
  }
}

function parseWanted<Schema extends z.ZodMiniType>(
  entries: readonly AnyEntry[],
  isWanted: NameFilter,
  schema: Schema,
): z.infer<Schema>[] {
  return entries
    .filter(({ name }) => name !== null && isWanted(name))
    .map((entry) => {
      const parsed = z.safeParse(schema, entry);
      if (parsed.success) return parsed.data;
      const message = `fly: the entry ${entry.name} of a list is malformed: ${misfit(parsed.error)}`;
      throw new AtlasError("PROVIDER", message, { provider: "fly" });
    });
}

function incompleteListError(shown: string): AtlasError {
  const message = `fly: the list is incomplete: it showed ${shown}`;
  return new AtlasError("UNAVAILABLE", message, { provider: "fly" });
}
