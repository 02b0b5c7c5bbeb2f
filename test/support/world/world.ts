/** A world in which everything goes wrong, to see afterwards that nothing was doubled and nothing forgotten. */
import { AtlasError } from "../../../src/errors.ts";
import { type Atlas, createAtlas, memoryStore } from "../../../src/index.ts";
import { type ManualClock, manualClock } from "../../../src/providers/mock/index.ts";
import type { SpawnRequest } from "../../../src/request.ts";
import { type ComputeRecord, isLive, type Store } from "../../../src/store.ts";
import { storeMethods } from "../intercept.ts";
import { eventsOf, recordsOf } from "../scene.ts";
import type { Cloud } from "./cloud.ts";
import { findingsAtAnyTime, findingsAtRest, type Sight } from "./findings.ts";
import type { Happening, Scenery, Spawn } from "./happenings.ts";
import { AbortedByTest, Ledger } from "./ledger.ts";
import { type Mortal, mortal } from "./mortal.ts";

const limits = { computesPerUser: 3, computes: 6 };

/** The secret in the environment of every pod of a world, which must appear nowhere else. */
const SECRET = "a-secret-in-the-environment";

/** One process of an application. */
interface Process extends Mortal {
  readonly atlas: Atlas;
  readonly calls: Promise<void>[];
}

/** The world. */
export class World<Fault> {
  readonly clock: ManualClock = manualClock();
  readonly store: Store = memoryStore({ clock: this.clock });
  readonly ledger: Ledger = new Ledger();
  readonly clouds: readonly Cloud<Fault>[];
  readonly #requests: readonly SpawnRequest[];
  #storeFailures = 0;
  #process: Process;

  constructor({ clouds, requests }: Pick<Scenery<Fault>, "clouds" | "requests">) {
    this.clouds = clouds(this.clock);
    this.#requests = requests;
    this.#process = this.#start();
  }

  /** Lets it happen. What a call of the application comes to is seen later. */
  async let(happening: Happening<Fault>): Promise<void> {
    await this.#happen(happening);
    await this.clock.advance(0);
    this.ledger.problems.push(...findingsAtAnyTime(await this.#look(), limits));
  }

  /** Heals everything, lets time pass, and reaps until there is nothing to do. */
  async comeToRest(): Promise<void> {
    for (const cloud of this.clouds) cloud.heal();
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
      this.ledger.problems.push(`the last pass still found work: ${JSON.stringify(last)}`);
  }

  /** Ends every compute, and comes to rest. */
  async endEverything(): Promise<void> {
    for (const { id } of (await recordsOf(this.store)).filter(({ status }) => isLive(status)))
      this.#terminate(id);
    await this.comeToRest();
  }

  /** The findings at rest. */
  async findings(): Promise<readonly string[]> {
    const violations = this.clouds.flatMap((cloud) => cloud.violations?.() ?? []);
    return [
      ...findingsAtRest(await this.#look()),
      ...violations.map((violation) => JSON.stringify(violation)),
    ];
  }

  async #look(): Promise<Sight> {
    return {
      records: await recordsOf(this.store),
      events: await eventsOf(this.store),
      instances: this.clouds.flatMap((cloud) =>
        cloud.instances().map((instance) => ({ ...instance, provider: cloud.name })),
      ),
      remains: this.clouds.flatMap((cloud) => cloud.remains?.() ?? []),
      keys: this.clouds.flatMap(({ secrets }) => secrets),
      ledger: this.ledger,
    };
  }

  #start(): Process {
    const process: Mortal = { alive: true };
    const store = mortal(this.store, storeMethods, process, () => {
      if (this.#storeFailures === 0) return;
      this.#storeFailures -= 1;
      throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
    });
    const print = (...said: readonly unknown[]): void => this.ledger.print(...said);
    const atlas = createAtlas({
      providers: this.clouds.map((cloud) => cloud.connect(process)),
      store,
      clock: this.clock,
      limits,
      controlUrl: "https://app.example/atlas",
      logger: { debug: print, info: print, warn: print, error: print },
      onEvent: print,
      fetch: (...request) => this.#fetch(...request),
    });
    return Object.assign(process, { atlas, calls: [] });
  }

  async #fetch(...request: Parameters<typeof fetch>): Promise<Response> {
    const cloud = this.clouds.find(({ name }) => String(request[0]).includes(name)) ?? this.clouds[0];
    if (cloud === undefined) throw new Error("there is no cloud");
    return cloud.fetch(...request);
  }

  async #happen(happening: Happening<Fault>): Promise<void> {
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
        return this.ledger.excuse(undefined, ...(this.clouds[happening.at]?.provoke(happening.fault) ?? []));
      case "store-down":
        this.#storeFailures = happening.calls;
        return;
      case "heal":
        for (const cloud of this.clouds) cloud.heal();
        return;
      case "crash":
        this.#process.alive = false;
        this.#process = this.#start();
        return;
      case "stranger":
        return this.#addStranger(happening.sameStore);
      default:
        return this.#toOne(happening);
    }
  }

  async #spawn({ atlas }: Process, spawn: Spawn): Promise<unknown> {
    const { user, abortAfter, lives, key } = spawn;
    const signal = abortAfter === null ? undefined : this.#abortIn(abortAfter);
    const request: SpawnRequest = {
      ...this.#requests[spawn.request],
      ...(key === null
        ? {}
        : { idempotencyKey: `${key} of ${JSON.stringify([spawn.request, user, lives])}` }),
      env: { SECRET },
      ports: [8000],
      userId: `user-${user}`,
      idleTimeoutSeconds: lives === "idle" ? 120 : null,
      maxLifetimeSeconds: lives === "shortly" ? 90 : null,
    };
    try {
      const onProgress = (progress: unknown): void => this.ledger.print(progress);
      const compute = await atlas.spawnCompute(request, { signal, onProgress });
      this.ledger.noteKey(request.idempotencyKey, compute.id);
      if (compute.isNew) this.#hold(compute.id, lives);
      return [compute, { ...compute }, compute.raw];
    } catch (error) {
      this.ledger.noteFailure(error, signal);
      throw error;
    }
  }

  #hold(id: string, lives: Spawn["lives"]): void {
    this.ledger.held.push(id);
    if (lives === "idle") this.ledger.excuse(id, "idle");
    if (lives === "shortly") this.ledger.excuse(id, "max_lifetime");
  }

  #abortIn(seconds: number): AbortSignal {
    const abort = new AbortController();
    void this.clock.sleep(seconds * 1000).then(() => abort.abort(new AbortedByTest()));
    return abort.signal;
  }

  async #addStranger(sameStore: boolean): Promise<void> {
    const owner = sameStore ? await this.store.identity() : "another-store";
    const { strangers } = this.ledger;
    const name = sameStore
      ? `atlas-default-x${strangers.length}`
      : `atlas-default-${String(strangers.length).padStart(20, "0")}`;
    const id = this.clouds[0]?.addStranger?.(name, owner);
    if (id !== undefined) strangers.push(id);
  }

  async #toOne(happening: Extract<Happening<Fault>, { which: number }>): Promise<void> {
    const records = (await recordsOf(this.store)).toReversed();
    const record = records[happening.which % Math.max(1, records.length)];
    if (record === undefined) return;
    const { atlas } = this.#process;
    switch (happening.what) {
      case "incident":
        return this.#toInstance(record, happening.incident);
      case "terminate":
        return this.#terminate(record.id);
      case "stop":
        // A stop whose process dies before it is recorded looks like the provider's own, which ends the compute after a while.
        this.ledger.excuse(record.id, "stopped_by_provider");
        return this.#call(atlas.stop(record.id));
      case "wait":
        return this.#call(
          atlas.getCompute(record.id).then((compute) => compute.waitUntilReady({ timeoutSeconds: 40 })),
        );
      default:
        return this.#call(atlas[happening.what](record.id));
    }
  }

  #terminate(id: string): void {
    this.ledger.excuse(id, "requested");
    this.#call(this.#process.atlas.terminate(id));
  }

  async #toInstance({ id, provider, providerId }: ComputeRecord, incident: string): Promise<void> {
    const cloud = this.clouds.find(({ name }) => name === provider);
    const instance = cloud?.instances().find((one) => one.id === providerId && one.alive);
    const facts = cloud?.incidents[incident];
    if (instance === undefined || facts === undefined) return;
    this.ledger.excuse(id, ...facts.excuses);
    facts.happenTo(instance, await this.store.identity());
  }

  #call(call: Promise<unknown>): void {
    this.#process.calls.push(this.ledger.hear(call));
  }
}
