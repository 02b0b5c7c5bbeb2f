/** The decision in the states that the table of cases does not reach: a control plane that has not answered, expiries, single schemes. */
import { describe, expect, it } from "vitest";
import { hashToken, signOpeningLink, signPrefix, signUrl } from "../../src/auth/index.ts";
import { unreachableAnswer } from "../../src/guard/verdict/answers.ts";
import { allowOrigins, refusedOrigin } from "../../src/guard/verdict/cors.ts";
import { decide } from "../../src/guard/verdict/decide.ts";
import type { GuardHeader, GuardRequest, RefusalReason } from "../../src/guard/verdict/request.ts";
import { type GuardState, type Standing, toLiveHash } from "../../src/guard/verdict/state.ts";
import { guardState } from "./support/state.ts";

const NOW = 1_700_000_000;
const SECRET = "test-secret";
/** A token as `mintToken` makes it, which a control plane may know. */
const MINTED = "a".repeat(43);
const LISTED = "b".repeat(43);
const OPEN = "/.well-known/atlas/open";
const signing = { secret: SECRET, now: NOW };

function stateWith(change: Partial<GuardState> = {}): GuardState {
  return guardState({
    hashes: [toLiveHash({ hash: hashToken(LISTED), expiresAt: null })],
    signingSecrets: [SECRET],
    now: NOW * 1000,
    ...change,
  });
}

type Headers = Partial<Record<GuardHeader, string>>;

function asked(url: string, headers: Headers = {}, method = "GET"): GuardRequest {
  return { method, url, header: (name) => headers[name] };
}

function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

function openingLink(): string {
  return signOpeningLink("https://pod.example", { ...signing, to: "/lab" }).slice(
    "https://pod.example".length,
  );
}

/** Every reason of a refusal, but that of a guard without a key, with a request that has it. */
const refused: readonly (readonly [reason: RefusalReason, request: GuardRequest])[] = [
  ["missing", asked("/v1")],
  ["malformed", asked("/v1", { authorization: "Bearer" })],
  ["bad_token", asked("/v1", bearer("short"))],
  ["bad_signature", asked(`${signUrl("/v1", signing)}x`)],
  ["expired", asked(signUrl("/v1", { ...signing, now: NOW - 7200 }))],
  ["not_allowed", asked(signUrl("/v1", signing), {}, "POST")],
  ["bad_signature", asked("/v1", { cookie: "__Host-atlas=x" })],
  ["missing", asked("/v1", { cookie: "a=1" })],
  ["malformed", asked("/.atlas", bearer(LISTED))],
  ["malformed", asked(`${OPEN}?at=x`)],
  [
    "expired",
    asked(
      `${OPEN}?${openingLink()
        .split("?")[1]
        ?.replace(/exp=[0-9]+/, `exp=${NOW - 1}`)}`,
    ),
  ],
  ["not_allowed", asked(openingLink(), {}, "HEAD")],
];

describe.each<[Standing, Partial<Record<RefusalReason, object>>, object]>([
  ["alone", {}, { kind: "refused", reason: "bad_token" }],
  ["settled", {}, { kind: "question" }],
  [
    "starting",
    Object.fromEntries(
      ["bad_token", "bad_signature", "expired", "not_allowed"].map((reason) => [
        reason,
        { kind: "unavailable" },
      ]),
    ),
    { kind: "unavailable" },
  ],
  [
    "rejected",
    Object.fromEntries(
      ["bad_token", "bad_signature", "expired", "not_allowed"].map((reason) => [
        reason,
        { kind: "refused", reason: "rejected" },
      ]),
    ),
    { kind: "refused", reason: "rejected" },
  ],
])("a guard that is %s", (standing, changed, unknown) => {
  const state = stateWith({ standing });

  it.each(refused)("answers what is %s: %o", (reason, request) => {
    expect(decide(request, state)).toMatchObject(changed[reason] ?? { kind: "refused", status: 401, reason });
  });

  it("answers an unknown token of the minted form", () => {
    expect(decide(asked("/v1", bearer(MINTED)), state)).toMatchObject(unknown);
  });

  it("answers a genuine credential", () => {
    const opened = standing === "alone" || standing === "settled";
    const answer = opened ? { kind: "pass" } : unknown;
    expect(decide(asked("/v1", bearer(LISTED)), state)).toMatchObject(answer);
    expect(decide(asked(signUrl("/v1", signing)), state)).toMatchObject(answer);
    expect(decide(asked(openingLink()), state)).toMatchObject(opened ? { kind: "opened" } : unknown);
  });

  it("says whether it is ready", () => {
    const answer = decide(asked("/.well-known/atlas/ready"), state);
    if (!("body" in answer)) return expect.unreachable();
    const isStarting = standing === "starting";
    expect(answer.status).toBe(isStarting ? 503 : 200);
    expect(answer.headers["retry-after"]).toBe(isStarting ? "2" : undefined);
    expect(JSON.parse(answer.body)).toEqual(
      isStarting
        ? { computeId: "c1", status: "starting", waitingFor: "control-plane" }
        : { computeId: "c1", status: "ready" },
    );
  });
});

describe("a question to the control plane", () => {
  it("names the token by its digest, and holds the answers for a no and for silence", () => {
    const state = stateWith({ standing: "settled", origins: allowOrigins(["https://app.example"]) });
    const headers = { ...bearer(MINTED), origin: "https://app.example" };
    const cors = { "access-control-allow-origin": "https://app.example" };
    expect(decide(asked("/v1", headers), state)).toEqual({
      kind: "question",
      digest: hashToken(MINTED),
      refusal: expect.objectContaining({
        kind: "refused",
        status: 401,
        reason: "bad_token",
        headers: expect.objectContaining(cors),
      }),
      unavailable: expect.objectContaining({
        kind: "unavailable",
        status: 503,
        headers: expect.objectContaining({ ...cors, "retry-after": "2", "cache-control": "no-store" }),
        body: expect.stringContaining("its control plane does not answer"),
      }),
    });
  });

  it.each([
    ["too short", "a".repeat(42)],
    ["too long", "a".repeat(44)],
    ["with a dash at its start", `-${"a".repeat(42)}`],
    ["with another character", `${"a".repeat(42)}.`],
  ])("is not asked about a token %s", (_, token) => {
    const verdict = decide(asked("/v1", bearer(token)), stateWith({ standing: "settled" }));
    expect(verdict).toMatchObject({ kind: "refused", reason: "bad_token" });
  });
});

describe("a guard with little to accept", () => {
  it.each<[string, Partial<GuardState>, RefusalReason]>([
    ["no key", { hashes: [], signingSecrets: [] }, "unconfigured"],
    ["tokens alone", { signingSecrets: [] }, "missing"],
    ["secrets alone", { hashes: [] }, "missing"],
    ["a control plane alone", { hashes: [], signingSecrets: [], standing: "settled" }, "missing"],
  ])("with %s refuses a bare request as it should", (_, change, reason) => {
    expect(decide(asked("/v1"), stateWith(change))).toMatchObject({ kind: "refused", reason });
  });

  it.each<[string, GuardRequest, Partial<GuardState>, RefusalReason]>([
    ["bearer", asked("/v1", bearer(LISTED)), { schemes: new Set(["signed-url", "cookie"]) }, "bad_token"],
    ["signed-url", asked(signUrl("/v1", signing)), { schemes: new Set(["bearer", "cookie"]) }, "missing"],
    ["a prefix", asked(signPrefix("/v1/", signing)), { schemes: new Set(["bearer"]) }, "bad_signature"],
    ["an opening link", asked(openingLink()), { schemes: new Set(["bearer"]) }, "bad_signature"],
    ["a cookie", asked("/v1", { cookie: "__Host-atlas=x" }), { schemes: new Set(["bearer"]) }, "missing"],
  ])("does not take %s where it is not told to", (_, request, change, reason) => {
    expect(decide(request, stateWith(change))).toMatchObject({ kind: "refused", reason });
  });
});

describe("a token", () => {
  it("ends with the millisecond of its expiry, and a later hash in the list does not bring it back", () => {
    const hash = hashToken(LISTED);
    const ending = toLiveHash({ hash, expiresAt: new Date(NOW * 1000).toISOString() });
    const other = toLiveHash({ hash: hashToken(MINTED), expiresAt: null });
    const hashes = [ending, other];
    const request = asked("/v1", bearer(LISTED));
    expect(decide(request, stateWith({ hashes, now: NOW * 1000 - 1 }))).toMatchObject({ kind: "pass" });
    expect(decide(request, stateWith({ hashes, now: NOW * 1000 }))).toMatchObject({ reason: "bad_token" });
  });

  it.each(["Bearer, ", "Bearer\t", "Basic x, bearer "])("behind %j is ours, and malformed", (start) => {
    const headers = { authorization: start + LISTED };
    const signed = signUrl("/v1", signing);
    expect(decide(asked(signed, headers), stateWith())).toMatchObject({
      kind: "refused",
      reason: "malformed",
    });
  });

  it("of the minted form decides alone, even one that no program mints", () => {
    const verdict = decide(asked(signUrl("/v1", signing), bearer(`-${"a".repeat(42)}`)), stateWith());
    expect(verdict).toMatchObject({ kind: "refused", reason: "bad_token" });
  });

  it.each([
    "Basic x",
    "Bearer",
    "Bearer short",
    `Bearer ${LISTED}x`,
    `Bearer ${LISTED}.x`,
    `Bearer x.${LISTED}`,
    `Bearer ${LISTED}x, b`,
    `xBearer\t${LISTED}`,
  ])("that is not in %j leaves the decision to a signature", (authorization) => {
    const verdict = decide(asked(signUrl("/v1", signing), { authorization }), stateWith());
    expect(verdict).toMatchObject({ kind: "pass", credential: "signed-url", requestHeaders: {} });
  });
});

describe("what goes on", () => {
  it.each([
    ["/v1?", "/v1?"],
    ["/v1", "/v1"],
    ["https://pod.example", "/"],
    ["https://pod.example?a=1", "/?a=1"],
    [signUrl("/v1", signing), "/v1"],
    [signUrl("/v1?", signing), "/v1"],
    [signUrl("/v1?a=1&&b=2", signing), "/v1?a=1&&b=2"],
    ["/v1?exp=1", "/v1?exp=1"],
  ])("from %s to %s", (url, wanted) => {
    expect(decide(asked(url, bearer(LISTED)), stateWith())).toMatchObject({ kind: "pass", url: wanted });
  });

  it("names the folder of a prefix, and the host that the browser knows it by", () => {
    const url = `${signPrefix("/hls/42/", signing)}a.ts`;
    const verdict = decide(asked(url, { host: "pod.example" }), stateWith());
    expect(verdict).toMatchObject({
      kind: "pass",
      url: "/hls/42/a.ts",
      cookieNames: ["__Host-atlas", "atlas-c1"],
      folder: { credential: url.slice(0, -"/hls/42/a.ts".length), prefix: "/hls/42/", host: "pod.example" },
    });
    expect(decide(asked("/v1", bearer(LISTED)), stateWith())).not.toHaveProperty("folder");
  });

  it.each<[string, GuardRequest]>([
    ["bearer", asked("/v1", { ...bearer(LISTED), "x-original-url": "/admin" })],
    [
      "signed-url",
      asked(signUrl("/v1", signing), { "x-original-url": "/admin", "x-method-override": "PUT" }),
    ],
    ["prefix", asked(`${signPrefix("/a/", signing)}b`, { "x-rewrite-url": "/admin" })],
  ])("by %s keeps or loses the headers that replace a path", (credential, request) => {
    const verdict = decide(request, stateWith());
    if (verdict.kind !== "pass") return expect.unreachable();
    const names = Object.keys(verdict.requestHeaders);
    expect(names.some((name) => name.startsWith("x-"))).toBe(credential !== "bearer");
    for (const name of names) expect(verdict.requestHeaders[name]).toBeUndefined();
  });

  it.each<[string, GuardRequest, Record<string, string | undefined>]>([
    ["no header of ours", asked("/public"), {}],
    ["a cookie of the application", asked("/public", { cookie: "a=1" }), {}],
    ["our cookie", asked("/public", { cookie: "__Host-atlas=x" }), { cookie: undefined }],
    ["our cookie among others", asked("/public", { cookie: "a=1; atlas-c1=x" }), { cookie: "a=1" }],
    ["a subprotocol", asked("/public", { "sec-websocket-protocol": "chat" }), {}],
    [
      "a token among subprotocols",
      asked("/public", { "sec-websocket-protocol": `chat, atlas.bearer.${LISTED},b` }),
      { "sec-websocket-protocol": "chat, b" },
    ],
    [
      "a token alone among subprotocols",
      asked("/public", { "sec-websocket-protocol": `atlas.bearer.${LISTED}` }),
      { "sec-websocket-protocol": undefined },
    ],
    ["a token that is not listed", asked("/public", bearer(MINTED)), { authorization: undefined }],
    ["a password of the application", asked("/public", { authorization: "Basic x" }), {}],
    [
      "a header that replaces the path",
      asked("/public", { "x-original-uri": "/a" }),
      { "x-original-uri": undefined },
    ],
  ])("with %s is changed in nothing else", (_, request, wanted) => {
    const verdict = decide(request, stateWith({ publicPaths: ["/public"] }));
    expect(verdict).toMatchObject({ kind: "pass", credential: "none" });
    expect("requestHeaders" in verdict && verdict.requestHeaders).toStrictEqual(wanted);
  });

  it.each<[string, Record<string, string | undefined>]>([
    ["https://app.example/page?exp=1", {}],
    ["https://app.example/page?x=1#?exp=1&sig=2", {}],
    ["https://app.example/.atlasx", {}],
    ["https://app.example/x/.atlas/y", {}],
    ["https://pod.example/page?exp=1&sig=2", { referer: "https://pod.example" }],
    ["https://pod.example/page?a=1&sig=2&exp=1#x", { referer: "https://pod.example" }],
    ["http://10.0.0.7:8000/.atlas/1.1.x/a", { referer: "http://10.0.0.7:8000" }],
    ["HTTPS://pod.example/.atlas", { referer: undefined }],
    ["/.atlas/1.1.x/a", { referer: undefined }],
    ["https://u@pod.example/.atlas/1.1.x/a", { referer: undefined }],
  ])("from %s tells no credential", (referer, wanted) => {
    const verdict = decide(asked("/public", { referer }), stateWith({ publicPaths: ["/public"] }));
    expect("requestHeaders" in verdict && verdict.requestHeaders).toStrictEqual(wanted);
  });

  it("is read by a prefix with GET and HEAD", () => {
    const url = `${signPrefix("/a/", signing)}b`;
    const kinds = ["GET", "HEAD", "OPTIONS", ""].map(
      (method) => decide(asked(url, {}, method), stateWith()).kind,
    );
    expect(kinds).toEqual(["pass", "pass", "refused", "refused"]);
  });

  it("is a heartbeat only at its path and by POST", () => {
    const heartbeat = "/.well-known/atlas/heartbeat";
    const kindOf = (url: string, method: string): string =>
      decide(asked(url, bearer(LISTED), method), stateWith()).kind;
    expect(kindOf(heartbeat, "POST")).toBe("heartbeat");
    expect(decide(asked(heartbeat, bearer(LISTED), "POST"), stateWith())).toMatchObject({ body: "" });
    expect(kindOf(heartbeat, "GET")).toBe("pass");
    expect(kindOf("/v1", "POST")).toBe("pass");
  });
});

describe("an origin that is refused", () => {
  const origins = allowOrigins(["https://app.example"]);
  const origin = "https://other.example";
  const preflight = { "access-control-request-method": "POST" } as const;

  it.each<[string, GuardRequest]>([
    ["a GET", asked("/v1", { origin })],
    ["a HEAD", asked("/v1", { origin }, "HEAD")],
    ["a preflight", asked("/v1", { origin, ...preflight }, "OPTIONS")],
  ])("is named for %s", (_, request) => {
    expect(refusedOrigin(request, origins)).toBe(origin);
  });

  it.each<[string, GuardRequest]>([
    ["without an origin", asked("/v1")],
    ["of a listed origin", asked("/v1", { origin: "https://app.example" })],
    ["that opens a WebSocket", asked("/v1", { origin, upgrade: "websocket" })],
    ["by POST", asked("/v1", { origin }, "POST")],
    ["by POST with a header of a preflight", asked("/v1", { origin, ...preflight }, "POST")],
    ["by OPTIONS that is no preflight", asked("/v1", { origin }, "OPTIONS")],
    ["by a method that ends in GET", asked("/v1", { origin }, "FORGET")],
    ["by a method that begins with GET", asked("/v1", { origin }, "GETS")],
  ])("is not named for a request %s", (_, request) => {
    expect(refusedOrigin(request, origins)).toBeUndefined();
  });

  it("gets no answer to a preflight, and a listed one gets it without a body", () => {
    const headers = { ...preflight, origin: "https://app.example" };
    const state = stateWith({ origins });
    expect(decide(asked("/v1", headers, "OPTIONS"), state)).toMatchObject({ kind: "preflight", body: "" });
    expect(decide(asked("/v1", headers, "POST"), state)).toMatchObject({ reason: "missing" });
    const { origin: listed } = headers;
    expect(decide(asked("/v1", { origin: listed }, "OPTIONS"), state)).toMatchObject({ reason: "missing" });
    expect(decide(asked("/v1", { ...preflight, origin }, "OPTIONS"), state)).toMatchObject({
      reason: "missing",
    });
  });
});

describe("an opening link", () => {
  it.each<[string, Headers]>([
    ["a tab", { "sec-fetch-dest": "document" }],
    ["a browser that does not say", {}],
  ])("opens in %s, with the newest secret's cookie", (_, headers) => {
    const state = stateWith({ signingSecrets: ["newest", SECRET] });
    const verdict = decide(asked(openingLink(), headers), state);
    if (!("body" in verdict)) return expect.unreachable();
    expect(verdict).toMatchObject({ kind: "opened", status: 303, body: "" });
    expect(verdict.headers).toMatchObject({
      location: "/lab",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
    });
    const cookie = verdict.headers["set-cookie"]?.split(";", 1)[0] ?? "";
    const use = { cookie, "sec-fetch-site": "same-origin" };
    const kindWith = (signingSecrets: string[]): string =>
      decide(asked("/v1", use), stateWith({ signingSecrets })).kind;
    expect([kindWith(["newest"]), kindWith([SECRET])]).toEqual(["pass", "refused"]);
  });

  it.each<[string, Headers, string]>([
    ["a frame", { "sec-fetch-dest": "iframe" }, "GET"],
    ["a browser that loads ahead", { "sec-purpose": "prefetch" }, "GET"],
    ["a WebSocket", { upgrade: "websocket" }, "GET"],
    ["a form", {}, "POST"],
  ])("does not open in %s", (_, headers, method) => {
    const verdict = decide(asked(openingLink(), headers, method), stateWith());
    expect(verdict).toMatchObject({ kind: "refused", reason: "not_allowed" });
  });
});

describe("a request that two servers could read in two ways", () => {
  it("is malformed, even with a token", () => {
    const request = { ...asked("/v1", bearer(LISTED)), isAmbiguous: true };
    expect(decide(request, stateWith())).toMatchObject({ kind: "refused", reason: "malformed" });
  });
});

describe("the proxy's own answer", () => {
  it.each<[string, boolean, number, string | undefined, string]>([
    ["starts", true, 503, "2", "The server behind the guard is starting."],
    ["closed the connection", false, 502, undefined, "The server behind the guard closed the connection"],
  ])("says that the server behind %s", (_, isStarting, status, retryAfter, words) => {
    const answer = unreachableAnswer(isStarting);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      "cache-control": "no-store",
      "content-type": "application/problem+json",
    });
    expect(answer.headers["retry-after"]).toBe(retryAfter);
    expect(JSON.parse(answer.body).retryAfterSeconds).toBe(retryAfter && Number(retryAfter));
    expect(JSON.parse(answer.body)).toMatchObject({ status, detail: expect.stringContaining(words) });
  });
});
