/** The end of a simulation: everything goes on undisturbed, the reaper reaps, and then the records and the instances must agree. */
import { isLive } from "../../src/store.ts";
import type { Role } from "./scenario.ts";
import { OWNER, type World } from "./world.ts";

/** The seconds before each pass: leases run out first, then graces and doubts. */
const PAUSES_SECONDS: readonly number[] = [61, 61, 130, 301, 301, 301, 901, 901, 901];

const SWEEPER: Role = { name: "Z", program: (atlas) => atlas.reap() };

/** Brings a world to rest. @returns its findings, each with its law */
export async function findingsAtRest(world: World): Promise<readonly string[]> {
  calm(world);
  await world.open();
  for (const process of world.processes) await world.complete(process);
  let findings: readonly string[] = [];
  for (const seconds of PAUSES_SECONDS) {
    await world.moveTo(world.time.now + seconds * 1000);
    await world.complete(await world.start(SWEEPER));
    findings = [...disagreements(world), ...remaining(world)];
    if (findings.length === 0) break;
  }
  return [...problems(world), ...findings, ...lost(world), ...leaks(world)];
}

/** The findings of every moment so far. */
export function problems({ laws, ledger }: World): readonly string[] {
  return [...laws.problems, ...ledger.problems];
}

function calm(world: World): void {
  if (world.isBlackedOut) world.happen("blackout");
  if (!world.ledger.podsAnswer) world.happen("pods-answer");
}

/** Instances without a record, and records without an instance. */
function disagreements({ laws, provider }: World): readonly string[] {
  const alive = provider.instances.filter(({ status }) => status !== "terminated");
  const ours = alive.filter(({ owner, env }) => owner === OWNER && env.ATLAS_COMPUTE_ID !== undefined);
  const { live } = laws;
  const forgotten = ours.filter(
    ({ id, name }) => !live.some((record) => record.name === name && record.providerId === id),
  );
  const hollow = live.filter(({ providerId }) => !ours.some(({ id }) => id === providerId));
  const unsettled = live.filter(({ status }) => !["provisioning", "running", "stopped"].includes(status));
  return [
    ...forgotten.map(({ id, name }) => `law 2: instance ${id} (${name}) lives, and no live record has it`),
    ...hollow.map(({ id, status }) => `law 4: compute ${id} is ${status}, and has no instance`),
    ...unsettled.map(({ id, status }) => `law 4: compute ${id} is still ${status}`),
  ];
}

/** Computes that a caller holds and that ended without a reason, strangers that were ended, and creates that were carried out twice. */
function lost({ laws, ledger, provider }: World): readonly string[] {
  const ended = [...ledger.held].flatMap((id) => {
    const record = laws.records.get(id);
    if (record === undefined) return [`law 4: compute ${id}, which a caller holds, is not recorded`];
    if (isLive(record.status) || ledger.excuses.has(`${id} ${record.reason}`)) return [];
    return [`law 4: compute ${id}, which a caller holds, is ${record.status} (${record.reason})`];
  });
  const strangers = provider.instances.filter(
    ({ env, status }) => env.ATLAS_COMPUTE_ID === undefined && status === "terminated",
  );
  const names = provider.instances.filter(({ owner }) => owner === OWNER).map(({ name }) => name);
  const doubled = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...ended,
    ...strangers.map(({ id }) => `law 5: stranger ${id} was ended`),
    ...doubled.map((name) => `law 2: ${name} was created twice`),
  ];
}

/** Computes that go on although their instance has ended by itself, or was stopped long ago. */
function remaining({ laws, ledger }: World): readonly string[] {
  return laws.live
    .filter(({ id }) => ledger.fallen.has(id))
    .map(({ id, status }) => `law 19: compute ${id} is ${status}, and its instance has come to an end`);
}

/** Secrets in a record or in anything that was printed. */
function leaks({ laws, ledger, provider }: World): readonly string[] {
  const pods = provider.instances.map(({ env }) => env.ATLAS_PRESHARED_KEY);
  const secrets = [...ledger.tokens, ...pods, SECRET].filter((secret) => secret !== undefined);
  const text = [JSON.stringify([...laws.records.values()]), ...ledger.printed].join("\n");
  return secrets.filter((secret) => text.includes(secret)).map(() => "law 6: a secret was stored or printed");
}

/** The secret in every pod's environment. */
export const SECRET = "a-secret-in-the-environment";
