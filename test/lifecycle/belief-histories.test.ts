import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Atlas, createAtlas } from "../../src/index.ts";
import { isEnded } from "../../src/lifecycle/record/facts.ts";
import type { Instance, Provider } from "../../src/provider.ts";
import {
  type ManualClock,
  type MockInstance,
  type MockProvider,
  manualClock,
  mock,
} from "../../src/providers/mock/index.ts";
import { type Scene, scene } from "../support/scene.ts";

/** A thing that makes a provider show less than there is, or that asks about it. Computes are named by their number. */
type Happening =
  | { readonly what: "reap" | "reap-copy" | "right-account" | "other-account" | "crash" }
  | { readonly what: "advance"; readonly seconds: number }
  | { readonly what: "hide"; readonly seconds: number }
  | { readonly what: "vanish" | "terminate" | "wait"; readonly which: number };

const COMPUTES = 5;
/** Those that vanish or are ended; the others are expected to be shown. */
const LOSABLE = 3;
const ACCOUNT = "mock-account";

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc
    .constantFrom("reap" as const, "reap" as const, "reap-copy" as const, "crash" as const)
    .map((what) => ({ what })),
  fc.constantFrom("right-account" as const, "other-account" as const).map((what) => ({ what })),
  fc.constantFrom(5, 31, 130, 400).map((seconds) => ({ what: "advance" as const, seconds })),
  fc.constantFrom(60, 600, 880).map((seconds) => ({ what: "hide" as const, seconds })),
  fc.record({
    what: fc.constantFrom("vanish" as const, "terminate" as const, "wait" as const),
    which: fc.nat(LOSABLE - 1),
  }),
);

/** A provider that for a while shows nothing at all, as an API does that lies, and a store of which a copy is in use elsewhere. */
class Believers {
  readonly clock: ManualClock = manualClock();
  readonly cloud: MockProvider = mock({ clock: this.clock, bootSeconds: 1 });
  readonly ids: string[] = [];
  readonly calls: Promise<unknown>[] = [];
  readonly stage: Scene;
  #atlas: Atlas;
  readonly #copy: Atlas;
  #hiddenUntil = 0;
  /** The calls by which the copy would have changed something. */
  copyEnds = 0;

  constructor() {
    this.stage = scene({ clock: this.clock, providers: [this.#provider()], deployment: "production" });
    this.#atlas = this.stage.atlas;
    const provider = this.#provider();
    const terminate: Provider["terminate"] = async (...given) => {
      this.copyEnds += 1;
      return provider.terminate(...given);
    };
    this.#copy = this.#client("preview", { ...provider, terminate });
  }

  async begin(): Promise<void> {
    for (let user = 0; user < COMPUTES; user += 1) {
      const request = { userId: `u${user}`, idleTimeoutSeconds: null, maxLifetimeSeconds: null };
      this.ids.push((await this.stage.settle(this.stage.atlas.spawnCompute(request))).id);
    }
    await this.clock.advance(60);
    await this.clock.settle(this.#atlas.reap());
  }

  async let(one: Happening): Promise<void> {
    const now = this.clock.now().getTime();
    switch (one.what) {
      case "advance":
        return this.clock.advance(one.seconds);
      case "reap":
        return void (await this.clock.settle(this.#atlas.reap()));
      case "reap-copy":
        return void this.calls.push(this.#copy.reap().catch(String));
      case "crash":
        this.#atlas = this.#client("production", this.#provider());
        return;
      case "hide":
        // Never for a quarter of an hour in one piece: then it would be believed, and rightly so. Between two pieces a pass sees what there is.
        if (now < this.#hiddenUntil) return;
        await this.clock.settle(this.#atlas.reap({ limit: 1000 }));
        await this.clock.advance(301);
        await this.clock.settle(this.#atlas.reap({ limit: 1000 }));
        this.#hiddenUntil = this.clock.now().getTime() + one.seconds * 1000;
        return;
      case "right-account":
        return this.cloud.switchAccount(ACCOUNT);
      case "other-account":
        return this.cloud.switchAccount("another");
      default:
        return this.#toOne(one.what, String(this.ids[one.which]));
    }
  }

  async comeToRest(): Promise<void> {
    this.cloud.switchAccount(ACCOUNT);
    await this.clock.advance(1000);
    for (let pass = 0; pass < 8; pass += 1) {
      await this.clock.advance(301);
      await this.clock.settle(this.#atlas.reap());
    }
    await this.clock.settle(Promise.allSettled(this.calls));
  }

  alive(): readonly MockInstance[] {
    return this.cloud.instances.filter(({ status }) => status !== "terminated");
  }

  /** The computes that are called ended while their instance lives. */
  async mistaken(): Promise<readonly string[]> {
    const alive = new Set(this.alive().map(({ name }) => name));
    const records = await this.stage.records();
    return records
      .filter(({ status, name }) => isEnded(status) && alive.has(name))
      .map(({ id, reason }) => `${this.ids.indexOf(id)} ended as ${reason}`);
  }

  #toOne(what: "vanish" | "terminate" | "wait", id: string): void {
    if (what === "vanish") this.cloud.vanish(`atlas-default-${id}`);
    else if (what === "terminate") this.calls.push(this.#atlas.terminate(id).catch(String));
    else
      this.calls.push(
        this.#atlas
          .getCompute(id)
          .then((compute) => compute.waitUntilReady({ timeoutSeconds: 100 }))
          .catch(String),
      );
  }

  #client(deployment: string, provider: Provider): Atlas {
    const { clock, stage, cloud } = this;
    const silent = (): void => undefined;
    const logger = { debug: silent, info: silent, warn: silent, error: silent };
    const { store } = stage;
    return createAtlas({ providers: [provider], store, clock, deployment, logger, fetch: cloud.fetch });
  }

  #provider(): Provider {
    const { cloud, clock } = this;
    const unlessHidden = async <Result>(otherwise: Result, call: () => Promise<Result>): Promise<Result> =>
      clock.now().getTime() < this.#hiddenUntil ? otherwise : call();
    return {
      ...cloud,
      list: (...given) => unlessHidden<readonly Instance[]>([], () => cloud.list(...given)),
      find: (...given) => unlessHidden<readonly Instance[]>([], () => cloud.find(...given)),
      get: (...given) => unlessHidden<Instance | undefined>(undefined, () => cloud.get(...given)),
      terminate: (...given) => unlessHidden<void>(undefined, () => cloud.terminate(...given)),
    };
  }
}

describe("whatever a provider hides for less than a quarter of an hour, and whatever account a key is of", () => {
  it("no compute is called ended while its instance lives, a copied store ends nothing, and all comes right", async () => {
    const history = fc.array(happening, { minLength: 4, maxLength: 25, size: "max" });
    const property = fc.asyncProperty(history, async (all) => {
      const world = new Believers();
      await world.begin();
      for (const one of all) {
        await world.let(one);
        await world.clock.advance(0);
        expect(await world.mistaken()).toEqual([]);
      }
      await world.comeToRest();
      const lost = new Set(
        all.flatMap((one) => (one.what === "vanish" || one.what === "terminate" ? [one.which] : [])),
      );
      const records = await Promise.all(world.ids.map((id) => world.stage.record(id)));
      expect(records.map(({ status }) => status)).toEqual(
        world.ids.map((_, index) => (lost.has(index) ? "terminated" : "running")),
      );
      expect(world.alive()).toHaveLength(COMPUTES - lost.size);
      expect(world.copyEnds).toBe(0);
    });
    await fc.assert(property, { numRuns: Number(process.env.ATLAS_RUNS ?? 150) });
  }, 600_000);
});
