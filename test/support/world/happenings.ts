/** The happenings of a world, and random sequences of them. */
import fc from "fast-check";
import type { ManualClock } from "../../../src/providers/mock/index.ts";
import type { SpawnRequest } from "../../../src/request.ts";
import type { Cloud } from "./cloud.ts";

/** The deadlines of a compute. */
export type Lives = "on" | "idle" | "shortly";

const CALLS = ["touch", "stop", "start", "terminate", "wait"] as const;

/** One thing that happens. Computes are named by their number, counted from the first, modulo how many there are. */
export type Happening<Fault> =
  | Spawn
  | { readonly what: (typeof CALLS)[number]; readonly which: number }
  | { readonly what: "incident"; readonly incident: string; readonly which: number }
  | { readonly what: "reap"; readonly times: number; readonly limit: number }
  | { readonly what: "advance"; readonly seconds: number }
  | { readonly what: "fault"; readonly at: number; readonly fault: Fault }
  | { readonly what: "store-down"; readonly calls: number }
  | { readonly what: "stranger"; readonly sameStore: boolean }
  | { readonly what: "heal" | "crash" };

/** A spawn: one of the scenery's requests, by its number, for one of two users. */
export interface Spawn {
  readonly what: "spawn";
  readonly request: number;
  readonly user: number;
  readonly abortAfter: number | null;
  readonly lives: Lives;
  readonly key: string | null;
}

/** The parts of a world. */
export interface Scenery<Fault> {
  readonly clouds: (clock: ManualClock) => readonly Cloud<Fault>[];
  readonly requests: readonly SpawnRequest[];
  /** A fault, and the number of the cloud that it happens in. */
  readonly faults: fc.Arbitrary<{ readonly at: number; readonly fault: Fault }>;
  /** The names of incidents that every one of the clouds knows. */
  readonly incidents: readonly string[];
}

/** Anything that can happen in this scenery. */
export function happenings<Fault>({
  requests,
  faults,
  incidents,
}: Scenery<Fault>): fc.Arbitrary<Happening<Fault>> {
  const which = fc.nat(5);
  const spawn: fc.Arbitrary<Spawn> = fc.record({
    what: fc.constant("spawn" as const),
    request: fc.nat(requests.length - 1),
    user: fc.nat(1),
    abortAfter: fc.option(fc.constantFrom(0, 0.2, 1, 10, 70), { freq: 4 }),
    lives: fc.constantFrom("on" as const, "on" as const, "idle" as const, "shortly" as const),
    key: fc.constantFrom(null, null, null, "one key", "another key"),
  });
  const weighted: readonly [number, fc.Arbitrary<Happening<Fault>>][] = [
    [6, spawn],
    [6, faults.map((fault) => ({ what: "fault", ...fault }))],
    [5, fc.constantFrom(0.3, 2, 15, 61, 130, 400, 700).map((seconds) => ({ what: "advance", seconds }))],
    [
      4,
      fc.record({
        what: fc.constant("reap"),
        times: fc.constantFrom(1, 2),
        limit: fc.constantFrom(1, 2, 100),
      }),
    ],
    [5, fc.record({ what: fc.constantFrom(...CALLS), which })],
    [2, fc.record({ what: fc.constant("incident"), incident: fc.constantFrom(...incidents), which })],
    [1, fc.integer({ min: 1, max: 6 }).map((calls) => ({ what: "store-down", calls }))],
    [1, fc.boolean().map((sameStore) => ({ what: "stranger", sameStore }))],
    [3, fc.constantFrom("heal" as const, "crash" as const).map((what) => ({ what }))],
  ];
  return fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}
