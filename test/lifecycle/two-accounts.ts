/** Computes on a mock whose key may be changed for one that shows nothing. */
import type { Compute } from "../../src/index.ts";
import type { Instance, Provider } from "../../src/provider.ts";
import { type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import { type Scene, scene } from "../support/scene.ts";

/** The scene, with its computes. */
export interface TwoAccounts {
  readonly stage: Scene;
  readonly computes: readonly Compute[];
  /** The lines that an operator should look at. */
  readonly errors: readonly string[];
  /** The lines about what is tried again, with their facts. */
  readonly warnings: readonly (readonly unknown[])[];
  readonly cloud: MockProvider;
  /** With the wrong key the provider answers for another account: it lists nothing, and knows no instance. */
  readonly key: { isWrong: boolean };
  /** The instances that the right account has. */
  alive(): number;
}

/** Spawns computes, one for each user, and waits until they run. */
export async function withComputes(count: number, request: object = {}): Promise<TwoAccounts> {
  const clock = manualClock();
  const cloud = mock({ clock });
  const key = { isWrong: false };
  const errors: string[] = [];
  const warnings: unknown[][] = [];
  const silent = (): void => undefined;
  const ask = async <Result>(call: () => Promise<Result>, otherwise: Result): Promise<Result> =>
    key.isWrong ? otherwise : call();
  const provider: Provider = {
    ...cloud,
    list: (...given) => ask<readonly Instance[]>(() => cloud.list(...given), []),
    find: async (name, context) =>
      ask<readonly Instance[]>(() => cloud.list({ namePrefix: name }, context), []),
    get: (...given) => ask<Instance | undefined>(() => cloud.get(...given), undefined),
    terminate: (...given) => ask<void>(() => cloud.terminate(...given), undefined),
  };
  const error = (line: string): void => void errors.push(line);
  const warn = (...line: unknown[]): void => void warnings.push(line);
  const logger = { debug: silent, info: silent, warn, error };
  const stage = scene({ clock, providers: [provider], fetch: cloud.fetch, logger });
  const computes: Compute[] = [];
  for (let index = 0; index < count; index += 1)
    computes.push(await stage.spawn({ idleTimeoutSeconds: null, userId: `u${index}`, ...request }));
  await clock.advance(60);
  for (const compute of computes) await stage.settle(compute.waitUntilReady());
  const alive = (): number => cloud.instances.filter(({ status }) => status !== "terminated").length;
  return { stage, computes, errors, warnings, cloud, key, alive };
}

/** Lets time pass, with a pass of the reaper every 30 seconds. */
export async function reapFor({ stage }: TwoAccounts, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 30) {
    await stage.clock.advance(30);
    await stage.reap();
  }
}

/** The status and reason of each compute. */
export async function statuses({ stage, computes }: TwoAccounts): Promise<readonly string[]> {
  const records = await Promise.all(computes.map(({ id }) => stage.record(id)));
  return records.map(({ status, reason }) => `${status} ${reason}`);
}
