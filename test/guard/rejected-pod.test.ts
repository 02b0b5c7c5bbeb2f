import { beforeAll, describe, expect, it } from "vitest";
import { createGuard, type Guard, type GuardOptions } from "../../src/guard/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { BASE, type Pod, planeUnderTest } from "../server/plane.ts";
import { fakeControlPlane, rejection } from "./support/control-plane.ts";

beforeAll(loadRetry);

const MINUTE = 60;
/** A guard, and the times at which it sent heartbeats and ended its pod. */
interface Scene {
  readonly guard: Guard;
  readonly clock: ManualClock;
  readonly beats: number[];
  readonly ends: number[];
  readonly lines: string[];
}

function guardAt(answer: (request: Request) => Promise<Response>, options: GuardOptions): Scene {
  const clock = manualClock();
  const start = clock.now().getTime();
  const [beats, ends, lines]: [number[], number[], string[]] = [[], [], []];
  const fakeFetch: typeof fetch = async (input, init) => {
    const request = new Request(input as string, init);
    const at = (clock.now().getTime() - start) / 1000;
    if (request.method === "DELETE") ends.push(at);
    if (request.method === "POST") beats.push(at);
    return request.method === "POST" ? answer(request) : new Response(null, { status: 204 });
  };
  const guard = createGuard({
    env: { RUNPOD_POD_ID: "pod1", RUNPOD_API_KEY: "pod-scoped" },
    controlUrl: BASE,
    podToken: "pod-token",
    presharedKey: "key",
    deadMan: true,
    fetch: fakeFetch,
    clock,
    log: (line) => lines.push(line),
    ...options,
  });
  return { guard, clock, beats, ends, lines };
}

/** A control plane that gives these answers first, and its facts after them. */
function answering(answers: (() => Response)[]): (request: Request) => Promise<Response> {
  const plane = fakeControlPlane(manualClock());
  plane.answers.push(...answers);
  return plane.fetch;
}

describe("a guard with a dead man's switch, whose compute has ended", () => {
  async function endedPod(): Promise<{ pod: Pod; handler: (request: Request) => Promise<Response> }> {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    await plane.clock.settle(plane.atlas.terminate(pod.compute.id));
    return { pod, handler: plane.handler };
  }

  it("ends its pod after the control plane has rejected two heartbeats, a minute apart", async () => {
    const { pod, handler } = await endedPod();
    const { guard, clock, beats, ends, lines } = guardAt(handler, { podToken: pod.podToken });
    await using _guard = guard;
    await clock.advance(MINUTE - 1);
    expect([beats, ends]).toEqual([[0], []]);
    await clock.advance(MINUTE);
    expect(beats.slice(0, 2)).toEqual([0, MINUTE]);
    expect(ends).toHaveLength(1);
    expect(lines.at(-1)).toBe("Ending this pod: the control plane rejects its credential.");
    expect(lines.join()).not.toContain(pod.podToken);
  });

  it("ends its pod too where the control plane may be unreachable for any time", async () => {
    const { pod, handler } = await endedPod();
    const options = { podToken: pod.podToken, deadMan: { unreachableSeconds: null } };
    const { guard, clock, ends } = guardAt(handler, options);
    await using _guard = guard;
    guard.heartbeat();
    await clock.advance(2 * MINUTE);
    expect(ends).toHaveLength(1);
  });
});

describe("a pod lives on", () => {
  it("when the control plane accepts the second heartbeat", async () => {
    const { guard, clock, beats, ends } = guardAt(answering([rejection]), {});
    await using _guard = guard;
    await clock.advance(60 * MINUTE);
    expect(beats.slice(0, 2)).toEqual([0, MINUTE]);
    expect(ends).toEqual([]);
  });

  it.each([
    ["is no problem document", () => new Response("<html>sign in", { status: 401 })],
    ["names no credential of the pod", () => Response.json({ code: "UNAUTHORIZED" }, { status: 401 })],
    ["is another refusal", () => new Response(null, { status: 403 })],
  ])("when a refusal %s", async (_what, refusal) => {
    const { guard, clock, ends } = guardAt(async () => refusal(), {});
    await using _guard = guard;
    for (let minute = 0; minute < 20; minute += 1) {
      guard.heartbeat();
      await clock.advance(MINUTE);
    }
    expect(ends).toEqual([]);
  });

  it("when its guard has no dead man's switch, which then refuses every credential", async () => {
    const { guard, clock, ends, lines } = guardAt(async () => rejection(), { deadMan: false });
    await using _guard = guard;
    await clock.advance(60 * MINUTE);
    expect(ends).toEqual([]);
    expect(lines).toEqual([
      "The control plane rejects this pod's credential. The guard asks again in a minute.",
      "The control plane no longer knows this pod. The guard refuses every credential.",
    ]);
  });

  it("when its guard closes before the second heartbeat", async () => {
    const { guard, clock, beats, ends } = guardAt(async () => rejection(), {});
    await clock.advance(0);
    await guard.close();
    await clock.advance(60 * MINUTE);
    expect([beats, ends]).toEqual([[0], []]);
  });
});
