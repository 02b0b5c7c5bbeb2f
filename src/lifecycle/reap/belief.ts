/** Wholesale absence: a provider that shows none of the computes that are expected there. */
import type { Provider } from "../../provider.ts";
import type { ComputeStatus } from "../../store.ts";
import { absenceProvenFrom } from "../find-instance.ts";
import type { ReapPass } from "./pass.ts";

/** States in which a provider has shown the instance. */
const SHOWN: readonly ComputeStatus[] = ["provisioning", "running", "stopped"];

/** The number of records that a pass compares with the list. More tell nothing more. */
const MAX_COMPARED = 1000;

const answers = new WeakMap<ReapPass, Map<string, Promise<boolean>>>();

/** True when the pass's list of this provider shows none of two or more expected computes. Asked once a pass, and then told as an error. */
export function isWholesale(pass: ReapPass, provider: Provider): Promise<boolean> {
  const known = answers.get(pass) ?? new Map<string, Promise<boolean>>();
  answers.set(pass, known);
  const answer = known.get(provider.name) ?? compare(pass, provider);
  known.set(provider.name, answer);
  return answer;
}

async function compare(pass: ReapPass, provider: Provider): Promise<boolean> {
  const { context } = pass;
  const { instances, begunAt } = await pass.list(provider);
  const filter = { namespace: context.namespace, provider: provider.name, statuses: SHOWN };
  const records = await context.store.list(filter, { limit: MAX_COMPARED });
  const expected = records.filter((record) => absenceProvenFrom(context, provider, record) <= begunAt);
  const listed = new Set(instances.map(({ name }) => name));
  if (expected.length < 2 || expected.some(({ name }) => listed.has(name))) return false;
  context.logger.error(
    `${provider.name} shows none of ${expected.length} computes: no compute ends for it until it has been so for 15 minutes. Check that its key is the account's, and that its API works`,
    { provider: provider.name, expected: expected.length },
  );
  return true;
}
