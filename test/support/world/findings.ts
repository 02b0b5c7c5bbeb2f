/** Findings: the faults of a world. Pure. */
import { type ComputeEvent, type ComputeRecord, isLive } from "../../../src/store.ts";
import type { CloudInstance } from "./cloud.ts";
import type { Ledger } from "./ledger.ts";

/** The instances and records of a world. */
export interface Sight {
  readonly records: readonly ComputeRecord[];
  readonly events: readonly ComputeEvent[];
  readonly instances: readonly (CloudInstance & { readonly provider: string })[];
  /** Names of computes for which something is there beside an instance. */
  readonly remains: readonly string[];
  /** The accounts' keys. */
  readonly keys: readonly string[];
  readonly ledger: Ledger;
}

/** The findings against the rules of every moment. */
export function findingsAtAnyTime(
  { records, instances }: Sight,
  limits: Required<WorldLimits>,
): readonly string[] {
  const live = records.filter(({ status }) => isLive(status));
  const users = [...new Set(live.map(({ userId }) => userId))];
  const unconfirmed = records.filter(
    ({ status, name }) =>
      !isLive(status) &&
      instances.some((instance) => isOurs(instance) && instance.alive && instance.name === name),
  );
  return [
    ...unconfirmed.map(
      ({ id, status, reason }) => `compute ${id} is ${status} (${reason}) and its instance lives`,
    ),
    ...(live.length > limits.computes ? [`${live.length} computes are live`] : []),
    ...users
      .filter((user) => live.filter(({ userId }) => userId === user).length > limits.computesPerUser)
      .map((user) => `${user} has too many computes`),
  ];
}

/** The limits of a world's application. */
export interface WorldLimits {
  readonly computesPerUser: number;
  readonly computes: number;
}

/** The findings against the rules of a world at rest. */
export function findingsAtRest(sight: Sight): readonly string[] {
  const { records, instances, remains, ledger } = sight;
  const live = records.filter(({ status }) => isLive(status));
  const alive = instances.filter((instance) => instance.alive);
  const ours = alive.filter(({ id }) => !ledger.strangers.includes(id));
  return [
    ...ledger.problems,
    ...ours
      .filter((instance) => !live.some((record) => isOf(record, instance)))
      .map(({ id, name }) => `instance ${id} (${name}) lives and no live record points to it`),
    ...live
      .filter((record) => !ours.some((instance) => isOf(record, instance)))
      .map(({ id, status }) => `record ${id} is ${status} and has no instance`),
    ...live
      .filter(({ status }) => !["provisioning", "running", "stopped"].includes(status))
      .map(({ id, status }) => `record ${id} is still ${status}`),
    ...remains
      .filter((name) => !live.some((record) => record.name === name))
      .map((name) => `something of ${name} is left and no live record has this name`),
    ...ledger.strangers
      .filter((id) => !alive.some((instance) => instance.id === id))
      .map((id) => `stranger ${id} was ended`),
    ...ledger.givenUp
      .filter((id) => live.some((record) => record.id === id))
      .map((id) => `compute ${id} lives although its caller gave up`),
    ...doubled(sight),
    ...unexcused(sight),
    ...cheaper(sight),
    ...leaks(sight),
  ];
}

function isOf(record: ComputeRecord, { name, id, provider }: Sight["instances"][number]): boolean {
  return record.name === name && record.providerId === id && record.provider === provider;
}

/** True when a create of this world made the instance. */
function isOurs({ env }: CloudInstance): boolean {
  return env.ATLAS_COMPUTE_ID !== undefined;
}

/** Names under which a create was carried out twice, whatever became of the first. */
function doubled({ instances }: Sight): readonly string[] {
  const names = instances.filter(isOurs).map(({ name }) => name);
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `${name} was created twice`);
}

/** Computes that a caller holds and that ended although nothing that ends one happened to them. */
function unexcused({ records, ledger }: Sight): readonly string[] {
  return ledger.held.flatMap((id) => {
    const record = records.find((one) => one.id === id);
    if (record === undefined) return [`record ${id} is gone`];
    const { reason, status } = record;
    if (reason === null || ledger.isExcused(id, reason)) return [];
    return [`compute ${id} is ${status} for the reason ${reason}, without one`];
  });
}

/** Computes that cost less than they did before. */
function cheaper({ events }: Sight): readonly string[] {
  const costs = new Map<string, number>();
  return events.flatMap(({ computeId, costSoFar }) => {
    const before = costs.get(computeId) ?? 0;
    costs.set(computeId, costSoFar ?? 0);
    return (costSoFar ?? 0) < before ? [`compute ${computeId} became cheaper`] : [];
  });
}

const SECRET_VARIABLES = ["SECRET", "ATLAS_PRESHARED_KEY", "ATLAS_SIGNING_SECRET", "ATLAS_POD_TOKEN"];

/** Secrets that are stored, or that were printed. */
function leaks({ records, events, instances, keys, ledger }: Sight): readonly string[] {
  const text = [JSON.stringify([records, events]), ...ledger.printed].join("\n");
  const variables = instances
    .filter(isOurs)
    .flatMap(({ env }) => SECRET_VARIABLES.map((name) => ({ name, value: env[name] })));
  const secrets = [...variables, ...keys.map((value) => ({ name: "the account's key", value }))];
  return secrets
    .filter(({ value }) => value !== undefined && text.includes(value))
    .map(({ name, value }) => `${name} was printed: ${value}`);
}
