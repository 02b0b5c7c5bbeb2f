/** A world in which everything goes wrong, to see afterwards that nothing was doubled and nothing forgotten. */

import { AtlasError, isAtlasError } from "../../src/errors.ts";
import { type Atlas, createAtlas, memoryStore } from "../../src/index.ts";
import {
  type ManualClock,
  type MockFault,
  type MockInstance,
  type MockOperation,
  type MockProvider,
  manualClock,
  mock,
} from "../../src/providers/mock/index.ts";
import { type ComputeRecord, isLive, type Store } from "../../src/store.ts";
import { providerMethods, storeMethods } from "./intercept.ts";
import { eventsOf, recordsOf } from "./scene.ts";

/** One thing that happens. Computes are named by their number, counted from the first, modulo how many there are. */
export type Happening =
  | {
      readonly what: "spawn";
      readonly gpu: boolean;
      readonly user: number;
      readonly abortAfter: number | null;
      readonly lives: Lives;
      readonly key: string | null;
    }
  | { readonly what: "touch" | "stop" | "start" | "terminate" | "wait"; readonly which: number }
  | { readonly what: "vanish" | "fail" | "double"; readonly which: number }
  | { readonly what: "reap"; readonly times: number; readonly limit: number }
  | { readonly what: "advance"; readonly seconds: number }
  | {
      readonly what: "fault";
      readonly at: number;
      readonly operation: MockOperation;
      readonly fault: MockFault;
    }
  | { readonly what: "store-down"; readonly calls: number }
  | { readonly what: "stranger"; readonly owner: boolean }
  | { readonly what: "heal" | "crash" };

/** Which of its own deadlines a compute has. */
export type Lives = "on" | "idle" | "shortly";

const limits = { computesPerUser: 3, computes: 6 };

/** One process of an application: when it dies, nothing it called ever answers it. */
interface Process {
  alive: boolean;
  readonly atlas: Atlas;
  readonly calls: Promise<unknown>[];
}

/** The world. */
export class World {
  readonly clock: ManualClock = manualClock();
  readonly store: Store = memoryStore({ clock: this.clock });
  readonly providers: readonly MockProvider[] = [
    mock({
      name: "lagging",
      clock: this.clock,
      bootSeconds: 20,
      listLagSeconds: 15,
      terminateSeconds: 3,
      pageSize: 2,
    }),
    mock({ name: "unique", clock: this.clock, bootSeconds: 5, latencySeconds: 0.5, uniqueNames: true }),
  ];
  readonly problems: string[] = [];
  /** Computes whose handle a caller got. */
  readonly #held: string[] = [];
  /** Computes whose caller gave up while their create was under way. */
  readonly #givenUp: string[] = [];
  /** What happened to a compute that may end it. */
  readonly #excuses = new Map<string, Set<string>>();
  readonly #keys = new Map<string, string>();
  readonly #strangers: string[] = [];
  #storeFailures = 0;
  #bootsFail = false;
  #process: Process = this.#start();

  /** Lets it happen. What a call of the application comes to is seen later. */
  async let(happening: Happening): Promise<void> {
    await this.#happen(happening);
    await this.clock.advance(0);
    const records = await recordsOf(this.store);
    this.problems.push(...this.#unconfirmed(records));
    const live = records.filter(({ status }) => isLive(status));
    if (live.length > limits.computes) this.problems.push(`${live.length} computes are live`);
    for (const user of new Set(live.map(({ userId }) => userId)))
      if (live.filter(({ userId }) => userId === user).length > limits.computesPerUser)
        this.problems.push(`${user} has too many computes`);
  }

  /** Heals everything, lets time pass, and reaps until there is nothing to do. */
  async comeToRest(): Promise<void> {
    for (const provider of this.providers) provider.heal();
    this.#storeFailures = 0;
    await this.clock.settle(Promise.allSettled(this.#process.calls));
    for (let pass = 0; pass < 8; pass += 1) {
      await this.clock.advance(301);
      await this.clock.settle(this.#process.atlas.reap());
    }
    const last = await this.clock.settle(this.#process.atlas.reap());
    const { terminated, settled, vanished, failed, remaining } = last;
    const orphans = last.orphans.filter(({ reason }) => reason === "orphan");
    if ([terminated, settled, vanished, failed, orphans].some(({ length }) => length > 0) || remaining)
      this.problems.push(`the last pass still found work: ${JSON.stringify(last)}`);
  }

  /** What is not as it should be, at rest. */
  async findings(): Promise<readonly string[]> {
    const records = await recordsOf(this.store);
    const live = records.filter(({ status }) => isLive(status));
    const instances = this.providers.flatMap((provider) =>
      provider.instances
        .filter(({ status }) => status !== "terminated")
        .map((instance) => ({ ...instance, provider: provider.name })),
    );
    const ours = instances.filter(({ id }) => !this.#strangers.includes(id));
    return [
      ...this.problems,
      ...ours
        .filter(
          ({ name, id, provider }) =>
            !live.some(
              (record) => record.name === name && record.providerId === id && record.provider === provider,
            ),
        )
        .map(({ name, id }) => `instance ${id} (${name}) lives and no live record points to it`),
      ...live
        .filter(({ providerId }) => !ours.some(({ id }) => id === providerId))
        .map(({ id, status }) => `record ${id} is ${status} and has no instance`),
      ...live
        .filter(({ status }) => !["provisioning", "running", "stopped"].includes(status))
        .map(({ id, status }) => `record ${id} is still ${status}`),
      ...this.#strangers
        .filter((id) => !instances.some((instance) => instance.id === id))
        .map((id) => `stranger ${id} was ended`),
      ...this.#doubled(),
      ...this.#unexcused(records),
      ...this.#givenUp
        .filter((id) => live.some((record) => record.id === id))
        .map((id) => `compute ${id} lives although its caller gave up`),
      ...(await this.#cheaper()),
    ];
  }

  /** Computes that are said to be over while their instance lives. */
  #unconfirmed(records: readonly ComputeRecord[]): readonly string[] {
    const alive = this.#created().filter(({ status }) => status !== "terminated");
    return records
      .filter(({ status, name }) => !isLive(status) && alive.some((instance) => instance.name === name))
      .map(({ id, status, reason }) => `compute ${id} is ${status} (${reason}) and its instance lives`);
  }

  /** Computes that cost less than they did before. */
  async #cheaper(): Promise<readonly string[]> {
    const costs = new Map<string, number>();
    const problems: string[] = [];
    for (const { computeId, costSoFar } of await eventsOf(this.store)) {
      if ((costSoFar ?? 0) < (costs.get(computeId) ?? 0))
        problems.push(`compute ${computeId} became cheaper`);
      costs.set(computeId, costSoFar ?? 0);
    }
    return problems;
  }

  #created(): readonly MockInstance[] {
    return this.providers.flatMap(({ instances }) =>
      instances.filter(({ env }) => env.ATLAS_COMPUTE_ID !== undefined),
    );
  }

  /** Instances of one name that a second create made: the doubles we added ourselves are no creates. */
  #doubled(): readonly string[] {
    const names = this.#created().map(({ name }) => name);
    return names
      .filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `${name} was created twice`);
  }

  /** Computes that a caller holds and that ended although nothing that ends one happened to them. */
  #unexcused(records: readonly ComputeRecord[]): readonly string[] {
    return this.#held.flatMap((id) => {
      const record = records.find((one) => one.id === id);
      if (record === undefined) return [`record ${id} is gone`];
      const { reason, status } = record;
      if (reason === null || this.#excusesOf(id).has(reason) || (reason === "failed" && this.#bootsFail))
        return [];
      return [`compute ${id} is ${status} for the reason ${reason}, without one`];
    });
  }

  #excusesOf(id: string): Set<string> {
    const excuses = this.#excuses.get(id) ?? new Set<string>();
    this.#excuses.set(id, excuses);
    return excuses;
  }

  #start(): Process {
    const process: { alive: boolean } = { alive: true };
    const store = mortal(this.store, storeMethods, process, () => {
      if (this.#storeFailures === 0) return;
      this.#storeFailures -= 1;
      throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
    });
    const providers = this.providers.map((provider) =>
      mortal(provider, providerMethods, process, () => undefined),
    );
    const atlas = createAtlas({
      providers,
      store,
      clock: this.clock,
      limits,
      fetch: (...request) => this.#fetch(...request),
    });
    return Object.assign(process, { atlas, calls: [] });
  }

  async #fetch(...request: Parameters<typeof fetch>): Promise<Response> {
    const [first, second] = this.providers;
    if (first === undefined || second === undefined) throw new Error("there are two providers");
    return (String(request[0]).includes("lagging") ? first : second).fetch(...request);
  }

  async #happen(happening: Happening): Promise<void> {
    switch (happening.what) {
      case "spawn":
        return this.#call(this.#spawn(this.#process, happening));
      case "reap":
        for (let time = 0; time < happening.times; time += 1)
          this.#call(this.#process.atlas.reap({ limit: happening.limit }));
        return;
      case "advance":
        return this.clock.advance(happening.seconds);
      case "fault":
        this.#bootsFail ||= JSON.stringify(happening.fault).includes("boot-failure");
        return this.providers[happening.at]?.script(happening.operation, happening.fault);
      case "store-down":
        this.#storeFailures = happening.calls;
        return;
      case "heal":
        for (const provider of this.providers) provider.heal();
        return;
      case "crash":
        this.#process.alive = false;
        this.#process = this.#start();
        return;
      case "stranger":
        return this.#addStranger(happening.owner);
      default:
        return this.#toOne(happening.what, happening.which);
    }
  }

  async #spawn({ atlas }: Process, happening: Extract<Happening, { what: "spawn" }>): Promise<void> {
    const { gpu, user, abortAfter, lives, key } = happening;
    const signal = abortAfter === null ? undefined : this.#abortIn(abortAfter);
    const request = {
      ...(gpu ? { gpu: ["h100", "l4"] } : {}),
      ...(key === null ? {} : { idempotencyKey: `${key} of ${JSON.stringify([gpu, user, lives])}` }),
      ports: [8000],
      userId: `user-${user}`,
      idleTimeoutSeconds: lives === "idle" ? 120 : null,
      maxLifetimeSeconds: lives === "shortly" ? 90 : null,
    };
    try {
      const { id, auth } = await atlas.spawnCompute(request, { signal });
      this.#noteKey(request.idempotencyKey, id);
      if (auth?.token === undefined) return;
      this.#held.push(id);
      if (lives === "idle") this.#excusesOf(id).add("idle");
      if (lives === "shortly") this.#excusesOf(id).add("max_lifetime");
    } catch (error) {
      this.#noteFailure(error, signal);
      throw error;
    }
  }

  #noteKey(key: string | undefined, id: string): void {
    if (key === undefined) return;
    if ((this.#keys.get(key) ?? id) !== id) this.problems.push(`${key} made a second compute, ${id}`);
    this.#keys.set(key, id);
  }

  #noteFailure(error: unknown, signal: AbortSignal | undefined): void {
    if (!isAtlasError(error)) return;
    const { code, computeId = "", message } = error;
    if (code === "UNCERTAIN" && signal?.aborted) this.#givenUp.push(computeId);
    if (code === "CONFLICT" && this.#excusesOf(computeId).size === 0 && !message.includes("terminated"))
      this.problems.push(`a spawn failed without a reason: ${message}`);
  }

  #abortIn(seconds: number): AbortSignal {
    const abort = new AbortController();
    void this.clock.sleep(seconds * 1000).then(() => abort.abort(new AbortedByTest()));
    return abort.signal;
  }

  async #addStranger(sameStore: boolean): Promise<void> {
    const [provider] = this.providers;
    const owner = sameStore ? await this.store.identity() : "another store";
    const name = sameStore
      ? "atlas-default-x"
      : `atlas-default-${"0".repeat(19)}${this.#strangers.length % 10}`;
    this.#strangers.push(provider?.add({ name, owner }).id ?? "");
  }

  async #toOne(what: Exclude<Happening["what"], "spawn">, which: number): Promise<void> {
    const records = (await recordsOf(this.store)).toReversed();
    const record = records[which % Math.max(1, records.length)];
    const provider = this.providers.find(({ name }) => name === record?.provider);
    if (record === undefined || provider === undefined) return;
    const { atlas } = this.#process;
    switch (what) {
      case "touch":
      case "stop":
      case "start":
        return this.#call(atlas[what](record.id));
      case "terminate":
        this.#excusesOf(record.id).add("requested");
        return this.#call(atlas.terminate(record.id));
      case "wait":
        return this.#call(
          atlas.getCompute(record.id).then((compute) => compute.waitUntilReady({ timeoutSeconds: 40 })),
        );
      default:
        return record.providerId === null
          ? undefined
          : this.#toInstance(what, record, record.providerId, provider);
    }
  }

  async #toInstance(
    what: string,
    { id, name }: ComputeRecord,
    providerId: string,
    provider: MockProvider,
  ): Promise<void> {
    const isGone = provider.instances.find((instance) => instance.id === providerId)?.status === "terminated";
    if (what === "double") provider.add({ name, owner: await this.store.identity() });
    if (what === "vanish") {
      this.#excusesOf(id).add("vanished");
      provider.vanish(providerId);
    }
    if (what === "fail" && !isGone) {
      this.#excusesOf(id).add("failed");
      provider.fail(providerId, "it broke");
    }
  }

  #call(call: Promise<unknown>): void {
    const watched = call.catch((error: unknown) => {
      if (!isAtlasError(error) && !(error instanceof AbortedByTest))
        this.problems.push(`a call threw ${String(error)}`);
    });
    this.#process.calls.push(watched);
  }
}

class AbortedByTest extends Error {}

/** The same object as a process sees it that may die: its calls reach the other side, their answers only the living. */
function mortal<Target extends object>(
  target: Target,
  methods: readonly string[],
  process: { readonly alive: boolean },
  before: () => void,
): Target {
  const dead = new Promise<never>(() => undefined);
  return new Proxy(target, {
    get(of, key) {
      const value: unknown = Reflect.get(of, key);
      if (typeof value !== "function" || typeof key !== "string") return value;
      if (!methods.includes(key)) return value.bind(of);
      return async (...parameters: readonly unknown[]) => {
        if (!process.alive) return dead;
        before();
        try {
          const result: unknown = await value.apply(of, parameters);
          return process.alive ? result : dead;
        } catch (error) {
          if (process.alive) throw error;
          return dead;
        }
      };
    },
  });
}
