/** An application on the fake Fly, in which everything goes wrong, to see afterwards that nothing was doubled and nothing forgotten. */
import { isAtlasError } from "../../src/errors.ts";
import { type Atlas, createAtlas, memoryStore } from "../../src/index.ts";
import { fly } from "../../src/providers/fly/index.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { type ComputeRecord, isLive } from "../../src/store.ts";
import { FlyFake, type FlyFault } from "../fakes/fly.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import type { FlyOperation } from "../fakes/fly-routes.ts";
import { eventsOf, recordsOf } from "../support/scene.ts";

/** One thing that happens. Computes are named by their number, modulo how many there are. */
export type Happening =
  | { readonly what: "spawn"; readonly volume: boolean; readonly idle: boolean }
  | { readonly what: "stop" | "start" | "terminate" | "exit" | "destroy" | "remove"; readonly which: number }
  | {
      readonly what: "fault";
      readonly operation: FlyOperation;
      readonly fault: FlyFault;
      readonly times: number;
    }
  | { readonly what: "full"; readonly region: "fra" | "ams" }
  | { readonly what: "advance"; readonly seconds: number }
  | { readonly what: "reap" | "heal" };

const SECRET = "a-secret-in-the-environment";

/** The world. */
export class FlyWorld {
  readonly clock = manualClock();
  readonly fake = new FlyFake({ clock: this.clock, timing: { removeAppSeconds: 3 }, pageSize: 2 });
  readonly store = memoryStore({ clock: this.clock });
  readonly problems: string[] = [];
  readonly #calls: Promise<unknown>[] = [];
  readonly #shared: string | undefined;
  readonly #atlas: Atlas;

  constructor(shared?: string) {
    this.#shared = shared;
    const { clock, fake, store } = this;
    if (shared !== undefined) fake.cloud.addApp(shared, fake.org, "default");
    const handle = flyContract?.wrap(fake.handle) ?? fake.handle;
    const provider = fly({
      apiKey: fake.apiKey,
      org: fake.org,
      ...(shared === undefined ? {} : { app: shared }),
      clock,
      fetch: async (input, init) => handle(new Request(input, init)),
    });
    this.#atlas = createAtlas({ providers: [provider], store, clock, fetch: async () => new Response("ok") });
  }

  /** Lets it happen. What a call of the application comes to is seen later. */
  async let(happening: Happening): Promise<void> {
    switch (happening.what) {
      case "spawn":
        return this.#call(this.#spawn(happening));
      case "fault":
        return this.fake.fault(happening.operation, happening.fault, happening.times);
      case "full":
        this.fake.fullRegions.add(happening.region);
        return;
      case "heal":
        return this.fake.heal();
      case "reap":
        return this.#call(this.#atlas.reap());
      case "advance":
        return this.clock.advance(happening.seconds);
      default:
        return this.#toOne(happening.what, happening.which);
    }
  }

  /** Heals everything, lets time pass, and reaps until there is nothing to do. */
  async comeToRest(): Promise<void> {
    this.fake.heal();
    await this.clock.settle(Promise.allSettled(this.#calls));
    for (let pass = 0; pass < 8; pass += 1) {
      await this.clock.advance(301);
      await this.clock.settle(this.#atlas.reap());
    }
  }

  /** Ends every compute, and comes to rest. */
  async endEverything(): Promise<void> {
    for (const { id } of await this.#live()) this.#call(this.#atlas.terminate(id));
    await this.comeToRest();
  }

  /** What is not as it should be, at rest. */
  async findings(): Promise<readonly string[]> {
    const live = await this.#live();
    const { apps, machines } = this.fake.cloud;
    const alive = machines.map(({ machine }) => machine).filter(({ isAlive }) => isAlive);
    const own = apps.filter(({ name }) => name !== this.#shared);
    return [
      ...this.problems,
      ...own
        .filter(({ name }) => !live.some((record) => record.name === name))
        .map(({ name }) => `the app ${name} has no live record`),
      ...alive
        .filter(({ id }) => !live.some(({ providerId }) => providerId === id))
        .map(({ id, name }) => `the machine ${id} (${name}) has no live record`),
      ...live
        .filter(({ providerId }) => !alive.some(({ id }) => id === providerId))
        .map(({ id, status }) => `the record ${id} is ${status} and has no machine`),
      ...this.#doubled(),
      ...(await this.#leaks()),
    ];
  }

  async #live(): Promise<readonly ComputeRecord[]> {
    return (await recordsOf(this.store)).filter(({ status }) => isLive(status));
  }

  /** Names under which a machine was created twice, whatever became of the first. */
  #doubled(): readonly string[] {
    const { createdNames } = this.fake.cloud;
    return createdNames
      .filter((name, index) => createdNames.indexOf(name) !== index)
      .map((name) => `${name} was created twice`);
  }

  async #leaks(): Promise<readonly string[]> {
    const text = JSON.stringify([await recordsOf(this.store), await eventsOf(this.store)]);
    return [SECRET, this.fake.apiKey]
      .filter((secret) => text.includes(secret))
      .map((secret) => `leaked ${secret}`);
  }

  async #spawn({ volume, idle }: Extract<Happening, { what: "spawn" }>): Promise<void> {
    const compute = await this.#atlas.spawnCompute({
      image: "ghcr.io/acme/server:1",
      regions: ["fra", "ams"],
      ports: [8000],
      env: { SECRET },
      idleTimeoutSeconds: idle ? 120 : null,
      ...(volume && this.#shared === undefined ? { volumeGb: 5 } : {}),
    });
    if (JSON.stringify([compute, compute.raw]).includes(SECRET)) this.problems.push("a handle leaked");
  }

  async #toOne(what: Exclude<Happening["what"], "spawn">, which: number): Promise<void> {
    const records = (await recordsOf(this.store)).toReversed();
    const record = records[which % Math.max(1, records.length)];
    if (record === undefined) return;
    if (what === "stop" || what === "start" || what === "terminate")
      return this.#call(this.#atlas[what](record.id));
    const found = this.fake.cloud.machines.find(({ machine }) => machine.id === record.providerId);
    if (found === undefined) return;
    if (what === "exit" && found.machine.state === "started") found.machine.exit(which % 2);
    if (what === "destroy") this.fake.cloud.destroy(found.machine);
    if (what === "remove" && this.#shared === undefined) this.fake.cloud.removeApp(found.app);
  }

  #call(call: Promise<unknown>): void {
    const watched = call.catch((error: unknown) => {
      const isOurs = isAtlasError(error);
      if (!isOurs) this.problems.push(`a call threw ${String(error)}`);
      if (isOurs && JSON.stringify([error.message, error]).includes(SECRET))
        this.problems.push(`an error leaked: ${error.code}`);
    });
    this.#calls.push(watched);
  }
}
