import { hashToken, mintToken } from "../../../src/auth/index.ts";
import { createGuard, type Guard, type GuardOptions } from "../../../src/guard/index.ts";
import type { ManualClock } from "../../../src/providers/mock/index.ts";
import { requestOf } from "./judge.ts";

/** A call that the control plane received. */
export interface Beat {
  readonly at: number;
  readonly url: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

/** The facts that a control plane tells, which a test may change at any time. */
export interface Facts {
  computeId: string;
  revision: number;
  hashes: { hash: string; expiresAt: string | null }[];
  generation: number;
  deadline: string | null;
  ending?: { at: string; reason: string };
}

/** A control plane with facts, which answers the next calls with the given answers first. */
export interface FakeControlPlane {
  readonly beats: Beat[];
  readonly facts: Facts;
  /** The answers of the next heartbeats, in place of the facts. */
  readonly answers: (() => Response | Promise<Response>)[];
  readonly fetch: typeof fetch;
  /** The times of heartbeats, in seconds; of those with this body alone, where one is given. */
  times(body?: unknown): number[];
}

export const TOKEN: string = mintToken().token;
export const COMPUTE_ID = "atlascompute12345678";

/** The control plane's own rejection of a pod's credential. */
export const rejection = (): Response =>
  Response.json({ code: "UNAUTHORIZED", details: { credential: "pod" } }, { status: 401 });

/** Makes a control plane that accepts {@link TOKEN}. */
export function fakeControlPlane(clock: ManualClock): FakeControlPlane {
  const beats: Beat[] = [];
  const answers: (() => Response | Promise<Response>)[] = [];
  const hashes = [{ hash: hashToken(TOKEN), expiresAt: null }];
  const facts: Facts = { computeId: COMPUTE_ID, revision: 1, hashes, generation: 0, deadline: null };
  const start = clock.now().getTime();
  return {
    beats,
    facts,
    answers,
    times: (body) => {
      const wanted = beats.filter((beat) => beat.url.endsWith("/pod/heartbeat"));
      const isWanted = (beat: Beat): boolean =>
        body === undefined || JSON.stringify(beat.body) === JSON.stringify(body);
      return wanted.filter(isWanted).map(({ at }) => at);
    },
    fetch: async (input, init) => {
      const request = new Request(input as string, init);
      const at = (clock.now().getTime() - start) / 1000;
      const authorization = request.headers.get("authorization");
      beats.push({ at, url: request.url, authorization, body: await request.json() });
      if (request.url.endsWith("/pod/status")) return new Response(null, { status: 204 });
      return (await answers.shift()?.()) ?? Response.json({ ...facts, now: clock.now().toISOString() });
    },
  };
}

/** A guard below a control plane. */
export function guardWith(clock: ManualClock, options: GuardOptions): Guard {
  return createGuard({
    presharedKey: TOKEN,
    controlUrl: "https://app.example/atlas/",
    podToken: "pod-token",
    computeId: COMPUTE_ID,
    publicPaths: ["/healthz"],
    log: () => {},
    clock,
    env: {},
    ...options,
  });
}

/** The kind of the verdict on a request with a token. */
export async function call(guard: Guard, token: string = TOKEN, url = "/", method = "GET"): Promise<string> {
  return (await guard.judge(requestOf(method, url, { authorization: `Bearer ${token}` }))).kind;
}
