/** A valid request for every route, and every invalid credential of each kind. A route without a case fails the matrix. */

import type { CredentialKind } from "../../src/server/credentials.ts";
import type { TokenHash } from "../../src/store.ts";
import {
  ada,
  bearer,
  bob,
  type CallOptions,
  INTERNAL_SECRET,
  type PlaneUnderTest,
  type Pod,
  planeUnderTest,
} from "./plane.ts";

/** A valid request to a route. */
export interface RouteCase {
  /** The status of the valid response. */
  readonly status: number;
  readonly body?: (stage: Stage) => object;
  /** A JSON body that the route refuses; absent for a route that takes any JSON. */
  readonly wrongBody?: unknown;
  /** True for a route all of whose fields may be absent. */
  readonly takesEmpty?: true;
}

/** Keyed by method and path, as in the table of routes. */
export const routeCases: Readonly<Record<string, RouteCase>> = {
  "GET /health": { status: 200 },
  "POST /computes": { status: 201, body: () => ({ plan: "large" }) },
  "GET /computes": { status: 200 },
  "GET /computes/:id": { status: 200 },
  "DELETE /computes/:id": { status: 200 },
  "POST /computes/:id/touch": { status: 200 },
  "POST /computes/:id/extend": {
    status: 200,
    body: () => ({ seconds: 60 }),
    wrongBody: { seconds: 60, userId: "bob" },
  },
  "POST /computes/:id/stop": { status: 200 },
  "POST /computes/:id/start": { status: 200 },
  "GET /computes/:id/events": { status: 200 },
  "POST /computes/:id/signed-url": {
    status: 200,
    body: () => ({ path: "/video.m3u8" }),
    wrongBody: { path: "/video.m3u8", userId: "bob" },
  },
  "POST /computes/:id/open": {
    status: 200,
    body: () => ({ path: "/lab" }),
    wrongBody: { path: "/lab", expiresInSeconds: 301 },
    takesEmpty: true,
  },
  "POST /computes/:id/token": { status: 201 },
  "PUT /slots/:slot": { status: 201, body: () => ({ plan: "large" }) },
  "GET /slots/:slot": { status: 200 },
  "POST /pod/heartbeat": {
    status: 200,
    body: () => ({ signs: ["requests"] }),
    wrongBody: { signs: ["sighs"] },
  },
  "POST /pod/status": {
    status: 204,
    body: () => ({ status: "loading", detail: "3 of 7" }),
    wrongBody: { status: "loading", computeId: "another" },
  },
  "POST /pod/gpu-health": {
    status: 204,
    body: () => ({ gpus: [{ index: 0, healthy: false, temperatureCelsius: 91, reason: "too hot" }] }),
    wrongBody: { gpus: [{ index: "0", healthy: true }] },
  },
  "POST /pod/metrics": {
    status: 204,
    body: () => ({ metrics: { "tokens/s": 41.5 } }),
    wrongBody: { metrics: { "tokens/s": "41.5" } },
  },
  "POST /pod/logs": { status: 204, body: () => ({ lines: ["listening"] }), wrongBody: { lines: [7] } },
  "POST /internal/verify": {
    status: 200,
    body: ({ pod }) => ({ token: pod.token }),
    wrongBody: { token: 7 },
  },
  "GET /internal/reap": { status: 200 },
  "POST /internal/reap": { status: 200 },
};

/** A credential, and the result of presenting it. */
export interface CredentialCase {
  readonly name: string;
  readonly headers: CallOptions["headers"];
  /** `accepted`: as its holder; `other`: as another user, to whom ada's computes do not exist. */
  readonly outcome: "accepted" | "rejected" | "other";
}

/** The fixtures of a test of a route. */
export interface Stage {
  readonly plane: PlaneUnderTest;
  /** Ada's. */
  readonly pod: Pod;
  /** Bob's. */
  readonly otherPod: Pod;
  /** Ada's, ended. */
  readonly endedPod: Pod;
  /** Ada's, with a credential that has expired. */
  readonly expiredPod: Pod;
  /** Ada's, with a credential that was revoked. */
  readonly revokedPod: Pod;
}

/** Two users with their computes, some of them with credentials that no longer work. */
export async function setStage(plane: PlaneUnderTest = planeUnderTest()): Promise<Stage> {
  const { atlas } = plane;
  const [pod, endedPod, expiredPod, revokedPod] = [
    await plane.spawn("ada", { slot: "held" }),
    await plane.spawn(),
    await plane.spawn(),
    await plane.spawn(),
  ];
  const otherPod = await plane.spawn("bob");
  await atlas.terminate(endedPod.compute.id);
  await changeTokens(plane, expiredPod, (token) => [{ ...token, expiresAt: plane.clock.now() }]);
  await changeTokens(plane, revokedPod, () => []);
  return { plane, pod, otherPod, endedPod, expiredPod, revokedPod };
}

async function changeTokens(
  { store }: PlaneUnderTest,
  { compute }: Pod,
  change: (token: TokenHash) => readonly TokenHash[],
): Promise<void> {
  const record = (await store.get("default", compute.id))?.record;
  if (record === undefined) throw new Error("there is no such record");
  const tokens = record.tokens.flatMap((token) => (token.kind === "pod" ? change(token) : [token]));
  await store.replace({ ...record, version: record.version + 1, tokens }, undefined);
}

const HUGE = "x".repeat(200_000);

/** Every credential of a kind, valid or not. */
export function credentialCases(kind: CredentialKind, stage: Stage): readonly CredentialCase[] {
  const right = rightCredentials(kind, stage);
  const none = { name: "none", headers: {}, outcome: "rejected" } as const;
  const wrong = wrongCredentials(kind, stage).map(([name, headers]) => ({
    ...{ name, headers, outcome: "rejected" as const },
  }));
  const all = [none, ...wrong, ...right];
  return kind === "public" ? all.map((one) => ({ ...one, outcome: "accepted" })) : all;
}

function rightCredentials(kind: CredentialKind, { pod, otherPod }: Stage): readonly CredentialCase[] {
  const accepted = "accepted" as const;
  const other = { name: "another user's", outcome: "other" } as const;
  const cases: Readonly<Record<CredentialKind, readonly CredentialCase[]>> = {
    public: [],
    user: [
      { name: "right", headers: ada, outcome: accepted },
      { ...other, headers: bob },
    ],
    pod: [
      { name: "right", headers: bearer(pod.podToken), outcome: accepted },
      { name: "right, scheme in capitals", headers: scheme("BEARER", pod.podToken), outcome: accepted },
      { ...other, headers: bearer(otherPod.podToken) },
    ],
    internal: [
      { name: "right, in its own header", headers: secret(INTERNAL_SECRET), outcome: accepted },
      { name: "right, as a bearer token", headers: bearer(INTERNAL_SECRET), outcome: accepted },
    ],
  };
  return cases[kind];
}

type Wrong = readonly [name: string, headers: CallOptions["headers"]];

function wrongCredentials(
  kind: CredentialKind,
  { pod, endedPod, expiredPod, revokedPod }: Stage,
): readonly Wrong[] {
  const bearers = (right: string): readonly Wrong[] => [
    ["wrong", bearer(flipped(right))],
    ["cut short", bearer(right.slice(0, -1))],
    ["wrong scheme", scheme("Basic", right)],
    ["no scheme", { authorization: right }],
    ["no token", { authorization: "Bearer" }],
    ["non-ASCII", bearer("é".repeat(43))],
    ["huge", bearer(HUGE)],
  ];
  const cases: Readonly<Record<CredentialKind, readonly Wrong[]>> = {
    public: [["any", bearer("anything")]],
    user: [
      ["wrong", { cookie: "session=adam" }],
      ["wrong scheme", bearer("session=ada")],
      ["non-ASCII", { cookie: "session=adé" }],
      ["huge", { cookie: HUGE }],
      ["expired", { cookie: "session=ada-of-yesterday" }],
      ["the internal secret", secret(INTERNAL_SECRET)],
      ["a pod's", bearer(pod.podToken)],
      ["the compute's own token", bearer(pod.token)],
    ],
    pod: [
      ...bearers(pod.podToken),
      ["of an ended compute", bearer(endedPod.podToken)],
      ["expired", bearer(expiredPod.podToken)],
      ["revoked", bearer(revokedPod.podToken)],
      ["the user's token", bearer(pod.token)],
      ["the user's session", ada],
      ["the internal secret", bearer(INTERNAL_SECRET)],
    ],
    internal: [
      ...bearers(INTERNAL_SECRET),
      ["wrong, in its own header", secret(flipped(INTERNAL_SECRET))],
      ["non-ASCII, in its own header", secret("é".repeat(32))],
      ["huge, in its own header", secret(HUGE)],
      ["wrong beside a right one", { ...secret("wrong"), ...bearer(INTERNAL_SECRET) }],
      ["a pod's", bearer(pod.podToken)],
      ["the user's token", bearer(pod.token)],
      ["the user's session", ada],
    ],
  };
  return cases[kind];
}

function secret(value: string): Record<string, string> {
  return { "x-internal-secret": value };
}

function scheme(name: string, token: string): Record<string, string> {
  return { authorization: `${name} ${token}` };
}

function flipped(text: string): string {
  return `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
}
