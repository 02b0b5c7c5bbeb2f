/** What must hold after a run, and what of it does not. */
import { hashToken } from "../../src/auth/index.ts";
import { isLive } from "../../src/store.ts";
import type { ComputeRow } from "./database.ts";
import type { Peaks, PodReport, ProviderReport } from "./messages.ts";
import { LIMITS } from "./settings.ts";

/** What a handle that was handed out carried. */
export interface Handed {
  readonly computeId: string;
  readonly secrets: readonly string[];
}

/** Everything that is known after a run. */
export interface Evidence {
  readonly rows: readonly ComputeRow[];
  readonly provider: ProviderReport;
  readonly handed: readonly Handed[];
  readonly frozen: ReadonlySet<string>;
  /** The most that was ever live, by each way of looking. */
  readonly peaks: Readonly<Record<string, Partial<Peaks>>>;
  /** Texts in which no secret may be, by where they come from. */
  readonly texts: Readonly<Record<string, string>>;
  readonly apiKey: string;
}

type Check = (evidence: Evidence) => readonly string[];

/** Every law that was broken, in words. */
export function findingsOf(evidence: Evidence): readonly string[] {
  return CHECKS.flatMap((check) => check(evidence));
}

/** The instances that are alive and that no live row points to. */
export function leaksOf({ rows, provider }: Pick<Evidence, "rows" | "provider">): readonly PodReport[] {
  const live = rows.filter(({ status }) => isLive(status));
  const known = new Set(live.map(({ name, providerId }) => `${name} ${providerId}`));
  return provider.pods.filter(
    ({ isAlive, isStranger, name, id }) => isAlive && !isStranger && !known.has(`${name} ${id}`),
  );
}

const leaks: Check = (evidence) =>
  leaksOf(evidence).map(({ id, name }) => `pod ${id} (${name}) is alive and no live row points to it`);

const rowsWithoutInstance: Check = ({ rows, provider }) => {
  const alive = new Set(provider.pods.filter(({ isAlive }) => isAlive).map(({ id }) => id));
  return rows
    .filter(({ status, providerId }) => isLive(status) && !alive.has(providerId ?? ""))
    .map(({ id, status }) => `compute ${id} is ${status} and has no instance`);
};

const unsettled: Check = ({ rows }) =>
  rows
    .filter(({ status }) => isLive(status) && status !== "running" && status !== "provisioning")
    .map(({ id, status }) => `compute ${id} is still ${status} at rest`);

const createdTwice: Check = ({ provider }) =>
  repeated(provider.pods.map(({ name }) => name)).map((name) => `${name} was created twice`);

const limitsBroken: Check = ({ peaks }) =>
  Object.entries(peaks).flatMap(([where, peak]) =>
    Object.entries(LIMITS).flatMap(([limit, allowed]) => {
      const most = peak[limit as keyof Peaks] ?? 0;
      return most > allowed + 1e-6 ? [`${limit} is ${allowed}, and was ${most} ${where}`] : [];
    }),
  );

/** A worker that was frozen may go on with a call that its lease no longer covers: nothing outside the provider could prevent that. */
const endedTwiceInALease: Check = ({ provider, frozen }) => {
  const awake = provider.ends.filter(({ lease, worker }) => lease !== "" && !frozen.has(worker));
  const byLease = Map.groupBy(awake, ({ podId, lease }) => `${podId} under lease ${lease}`);
  return [...byLease].flatMap(([what, ends]) => {
    const calls = new Map(ends.map(({ call, worker }) => [call, worker]));
    return calls.size > 1 ? [`the end of ${what} was asked for by ${[...calls.values()].join(" and ")}`] : [];
  });
};

const strangersTouched: Check = ({ provider }) => {
  const asked = new Set(provider.ends.map(({ podId }) => podId));
  return provider.pods
    .filter(({ id, isStranger, isAlive }) => isStranger && (!isAlive || asked.has(id)))
    .map(({ id, name }) => `pod ${id} (${name}) is somebody else's, and its end was asked for`);
};

const endedByACopy: Check = ({ provider }) =>
  provider.ends
    .filter(({ worker }) => worker === "copy")
    .map(({ podId }) => `the end of pod ${podId} was asked for by a process of another deployment`);

const endedWithoutReason: Check = ({ rows, provider, handed }) => {
  const pods = new Map(provider.pods.map((pod) => [pod.id, pod]));
  const known = new Set(handed.map(({ computeId }) => computeId));
  return rows.flatMap(({ id, reason, providerId }) => {
    if (reason === "abandoned" && known.has(id)) return [`compute ${id} was handed out and then abandoned`];
    if (reason !== "vanished" || pods.get(providerId ?? "")?.hasVanished) return [];
    return [`compute ${id} is called vanished, and its pod did not vanish`];
  });
};

/** The token that was handed out is the pod's, and its hash the row's. */
const wrongTokens: Check = ({ rows, provider, handed }) => {
  const envs = new Map(provider.pods.map(({ env }) => [env.ATLAS_COMPUTE_ID, Object.values(env)]));
  const hashes = new Map(rows.map(({ id, tokens }) => [id, tokens.map(({ hash }) => hash)]));
  const again = repeated(handed.map(({ computeId }) => computeId));
  const wrong = handed.filter(
    ({ computeId, secrets: [first = "", ...others] }) =>
      ![first, ...others].every((secret) => envs.get(computeId)?.includes(secret)) ||
      (hashes.get(computeId)?.length === 1 && !hashes.get(computeId)?.includes(hashToken(first))),
  );
  return [
    ...again.map((id) => `compute ${id} was handed out as new twice`),
    ...wrong.map(({ computeId }) => `the secrets handed out of compute ${computeId} are not its pod's`),
  ];
};

/** Variables whose values are no secrets. */
const PUBLIC = new Set([
  "ATLAS_AUTH",
  "ATLAS_COMPUTE_ID",
  "ATLAS_OWNER",
  "ATLAS_ORIGINS",
  "ATLAS_DEADLINE",
  "CHAOS_USER",
]);

/** Every secret there ever was: also those of spawns whose answer reached nobody. */
function secretsOf({ provider, handed, apiKey }: Evidence): readonly string[] {
  const inPods = provider.pods.flatMap(({ env }) =>
    Object.entries(env).flatMap(([name, value]) => (PUBLIC.has(name) ? [] : [value])),
  );
  return [...new Set([apiKey, ...inPods, ...handed.flatMap(({ secrets }) => secrets)])];
}

const toldSecrets: Check = (evidence) => {
  const secrets = secretsOf(evidence);
  return Object.entries(evidence.texts).flatMap(([where, text]) => {
    const told = secrets.filter((secret) => text.includes(secret)).length;
    return told > 0 ? [`${told} secrets are in ${where}`] : [];
  });
};

const CHECKS: readonly Check[] = [
  leaks,
  rowsWithoutInstance,
  unsettled,
  createdTwice,
  limitsBroken,
  endedTwiceInALease,
  strangersTouched,
  endedByACopy,
  endedWithoutReason,
  wrongTokens,
  toldSecrets,
];

function repeated(items: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.size === seen.add(item).size);
}
