import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  type ComputeIdentity,
  createRemoteAuthenticator,
  type RemoteAuthenticatorOptions,
} from "../../src/auth/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { manualClock } from "../../src/providers/mock/manual-clock.ts";
import { type Handler, serveFake } from "../fakes/serve.ts";
import { anyValue, hostileValues } from "./arbitraries.ts";
import { unauthorized, unavailable } from "./scripted.ts";

const url = "https://control.example/internal/verify";
const secret = "internal-secret-of-this-service";
const identity: ComputeIdentity = { computeId: "c1", userId: "ann", tenantId: "c9", status: "running" };

function authenticator(handler: Handler, options: Partial<RemoteAuthenticatorOptions> = {}) {
  const fetch = vi.fn(async (input: string | URL | Request, init?: RequestInit) =>
    handler(new Request(input, init)),
  );
  return { ...createRemoteAuthenticator({ url, secret, fetch, ...options }), fetch };
}

describe("a remote authenticator", () => {
  it("posts the token with the internal secret, and names the identity of a 200", async () => {
    const { verify, fetch } = authenticator(async (request) => {
      expect(request.method).toBe("POST");
      expect(request.url).toBe(url);
      expect(request.headers.get("x-internal-secret")).toBe(secret);
      expect(request.headers.get("content-type")).toBe("application/json");
      expect(request.headers.get("accept")).toBe("application/json");
      expect(request.redirect).toBe("manual");
      expect(await request.json()).toEqual({ token: "the token" });
      return Response.json({ ...identity, more: "than we asked for" });
    });
    expect(await verify("the token")).toEqual(identity);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it("sends the secret in the header it is told", async () => {
    const { verify } = authenticator(
      (request) => Response.json({ ...identity, userId: request.headers.get("x-key") }),
      {
        headerName: "X-Key",
      },
    );
    expect((await verify("token")).userId).toBe(secret);
  });

  it("knows computes without a user", async () => {
    const { verify } = authenticator(() => Response.json({ computeId: "c1", status: "running" }));
    expect(await verify("token")).toEqual({ ...identity, tenantId: null, userId: null });
  });

  it("says that the credential was rejected for a 401, whatever stands in it", async () => {
    const { verify } = authenticator(() => new Response("<html>", { status: 401 }));
    await expect(verify("token")).rejects.toEqual(unauthorized);
  });

  it("says nonsense for a 401 by which a control plane rejects the internal secret itself", async () => {
    const { verify } = authenticator(() => {
      const details = { header: "x-internal-secret", credential: "internal" };
      const error = new AtlasError("UNAUTHORIZED", "no", { details });
      return Response.json(error.toProblem(), { status: 401 });
    });
    await expect(verify("token")).rejects.toEqual(unavailable("nonsense"));
    await expect(verify("token")).rejects.toThrow(`${url} rejected the internal secret`);
  });

  it("rejects a value that cannot be a token, without a question", async () => {
    const { verify, fetch } = authenticator(() => Response.json(identity));
    for (const value of hostileValues) {
      if (typeof value === "string" && /^\p{ASCII}{1,4096}$/u.test(value)) continue;
      await expect(verify(value)).rejects.toEqual(unauthorized);
    }
    expect(fetch).not.toHaveBeenCalled();
  });

  it.each([500, 502, 503, 504, 408, 429])("says an outage for a %i", async (status) => {
    const { verify } = authenticator(() => Response.json(identity, { status }));
    await expect(verify("token")).rejects.toEqual(unavailable("outage"));
  });

  it.each([201, 204, 301, 302, 303, 307, 308, 400, 403, 404, 422])(
    "says nonsense for a %i",
    async (status) => {
      const body = status === 204 ? null : JSON.stringify(identity);
      const { verify, fetch } = authenticator(
        () => new Response(body, { status, headers: { location: "https://elsewhere.example/" } }),
      );
      await expect(verify("token")).rejects.toEqual(unavailable("nonsense"));
      expect(fetch).toHaveBeenCalledTimes(1);
    },
  );

  it.each([
    ["an empty object", "{}"],
    ["no body", ""],
    ["no JSON", "ok"],
    ["JSON cut short", '{"computeId":"c1"'],
    ["null", "null"],
    ["an array", '["c1"]'],
    ["an empty id", '{"computeId":"","status":"running"}'],
    ["an id that is no text", '{"computeId":1,"status":"running"}'],
    ["a user that is no text", '{"computeId":"c1","userId":7,"status":"running"}'],
    ["no status", '{"computeId":"c1","userId":"ann"}'],
    ["identity behind 64 KB of white space", `${" ".repeat(65_536)}${JSON.stringify(identity)}`],
  ])("says nonsense for a 200 with %s", async (_, body) => {
    const { verify } = authenticator(() => new Response(body));
    await expect(verify("token")).rejects.toEqual(unavailable("nonsense"));
  });

  const broken = () =>
    new Response(new ReadableStream({ pull: (controller) => controller.error(new RangeError("reset")) }));

  it.each<[string, () => Response, boolean]>([
    [
      "answered 300, a redirect, which is not followed. Check",
      () => new Response("", { status: 300 }),
      false,
    ],
    [
      "answered 399, a redirect, which is not followed. Check",
      () => new Response("", { status: 399 }),
      false,
    ],
    ["answered 400. Check", () => new Response("", { status: 400 }), false],
    ["answered 204. Check", () => new Response(null, { status: 204 }), false],
    ["answered 503. Try again", () => new Response("", { status: 503 }), true],
    ["answered a text that is not JSON. Check", () => new Response("ok"), false],
    ["named no identity. Check", () => Response.json(null), false],
    ["named no identity. Check", () => Response.json({}), false],
    ["answered more than 65536 bytes", () => new Response(" ".repeat(65_537)), false],
    ["broke off (RangeError). Try again", broken, true],
  ])("says that the service %s", async (words, handler, retryable) => {
    const { verify } = authenticator(handler);
    const error: AtlasError = await verify("token").catch((thrown) => thrown);
    expect(error.message).toContain(`The credential could not be checked: `);
    expect(error.message).toContain(`${url} ${words}`);
    expect(error.retryable).toBe(retryable);
  });

  it("takes a 401 that breaks off for a rejection", async () => {
    const { verify } = authenticator(() => new Response(broken().body, { status: 401 }));
    await expect(verify("token")).rejects.toEqual(unauthorized);
  });

  it("says an outage when the connection fails, and shows neither token nor secret", async () => {
    const { verify } = authenticator(() => {
      throw new TypeError(`fetch failed for ${secret} and the-token`);
    });
    const error: AtlasError = await verify("the-token").catch((thrown) => thrown);
    expect(error).toEqual(unavailable("outage"));
    expect(error.message).toContain(url);
    expect(error.message).not.toMatch(/internal-secret|the-token/);
  });

  it("says an outage when the answer breaks off", async () => {
    const { verify } = authenticator(() => {
      const body = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
      return new Response(body);
    });
    await expect(verify("token")).rejects.toEqual(unavailable("outage"));
  });

  it.each([
    ["answer", () => new Promise<Response>(() => undefined)],
    ["end its answer", () => new Response(new ReadableStream())],
  ])(
    "says an outage for a service that does not %s in time, and gives the request up",
    async (_, handler) => {
      const clock = manualClock();
      const { verify, fetch } = authenticator(handler, { clock, timeoutSeconds: 5 });
      const verifying = verify("token");
      await expect(clock.settle(verifying, 5)).rejects.toEqual(unavailable("outage"));
      await expect(verifying).rejects.toThrow(`${url} did not answer within 5 seconds`);
      expect(fetch.mock.calls[0]?.[1]?.signal?.aborted).toBe(true);
      expect(clock.sleeping).toBe(0);
    },
  );

  it("reads another shape by parse: an identity, null for a rejection, undefined or an error for nonsense", async () => {
    const answers: Record<string, unknown> = {
      good: { sub: "ann" },
      bad: { active: false },
      odd: {},
      worse: null,
    };
    const fetch = async (_: unknown, init?: RequestInit) =>
      Response.json(answers[JSON.parse(String(init?.body)).token]);
    const parse = (body: unknown): string | null | undefined => {
      const { sub, active } = body as { sub?: string; active?: boolean };
      return active === false ? null : sub;
    };
    const { verify } = createRemoteAuthenticator({ url, secret, fetch, parse });
    expect(await verify("good")).toBe("ann");
    await expect(verify("bad")).rejects.toEqual(unauthorized);
    await expect(verify("odd")).rejects.toEqual(unavailable("nonsense"));
    await expect(verify("worse")).rejects.toEqual(unavailable("nonsense"));
    await expect(verify("worse")).rejects.toThrow(`the answer of ${url} could not be read (TypeError)`);
  });

  it("only ever throws one of the two codes, whatever the candidate and the answer are", async () => {
    const answer = fc.record({
      status: fc.integer({ min: 200, max: 599 }),
      body: fc.oneof(fc.json(), fc.string()),
    });
    const property = fc.asyncProperty(anyValue, answer, async (candidate, { status, body }) => {
      const isEmpty = [204, 205, 304].includes(status);
      const { verify } = authenticator(() => new Response(isEmpty ? null : body, { status }));
      const error = await verify(candidate).then(
        () => undefined,
        (thrown: AtlasError) => thrown,
      );
      expect([undefined, "UNAUTHORIZED", "UNAVAILABLE"]).toContain(error?.code);
      if (error === undefined) expect(status).toBe(200);
    });
    await fc.assert(property);
  });

  it("never sends the secret where a redirect points, over real HTTP", async () => {
    const seen: string[] = [];
    await using elsewhere = await serveFake((request) => {
      seen.push(request.url);
      return Response.json(identity);
    });
    await using service = await serveFake(() => Response.redirect(elsewhere.url, 307));
    const { verify } = createRemoteAuthenticator({ url: service.url, secret });
    await expect(verify("token")).rejects.toEqual(unavailable("nonsense"));
    expect(seen).toEqual([]);
  });

  it("names the identity over real HTTP, and says an outage when no server listens", async () => {
    const service = await serveFake(() => Response.json(identity));
    const { verify } = createRemoteAuthenticator({ url: `${service.url}/internal/verify`, secret });
    expect(await verify("token")).toEqual(identity);
    await service.close();
    await expect(verify("token")).rejects.toEqual(unavailable("outage"));
  });
});

describe("the verify URL", () => {
  const make = (target: string) => () => createRemoteAuthenticator({ url: target, secret });

  it.each([
    "https://control.example/internal/verify",
    "http://localhost:8787/verify",
    "http://127.0.0.1:8787/",
    "http://[::1]:8787/",
    "http://10.0.0.7/verify",
    "http://172.31.255.1/verify",
    "http://192.168.1.4/verify",
    "http://[fd00::7]/verify",
    "http://control-plane:3000/verify",
    "http://atlas.default.svc.cluster.local/verify",
    "http://my-app.flycast.internal/verify",
    "http://100.64.0.1/verify",
    "http://[fe80::1]/verify",
    "http://[::ffff:10.0.0.1]/verify",
    "http://0x7f.1/verify",
  ])("may be %s", (target) => {
    expect(make(target)).not.toThrow();
  });

  it.each([
    "http://control.example/verify",
    "http://172.32.0.1/verify",
    "http://100.128.0.1/verify",
    "http://[::ffff:8.8.8.8]/verify",
    "http://134744072/verify",
    "http://10.example.com/verify",
    "http://[2001:db8::1]/verify",
    "https://user:pass@control.example/verify",
    "https://control.example/verify?key=1",
    "https://control.example/verify#there",
    "ftp://control.example/verify",
    "/internal/verify",
    "",
  ])("may not be %j, and the refusal does not repeat it", (target) => {
    expect(make(target)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(make(target)).not.toThrow(/user:pass|key=1/);
  });
});

describe("a refusal of the verify URL", () => {
  it.each([
    ["ftp://control.example/verify", "a URL that is neither https nor http"],
    ["xhttps://control.example/verify", "a URL that is neither https nor http"],
    ["https://control.example/verify?key=1", "a URL with a user, a query or a fragment"],
    ["http://control.example/verify", "an http URL of a public host"],
    ["/internal/verify", "a text that is not a URL"],
  ])("of %s says that it is %s", (target, received) => {
    expect(() => createRemoteAuthenticator({ url: target, secret })).toThrow(
      `The options of createRemoteAuthenticator are not valid. url: got ${received}; allowed: an https URL`,
    );
  });
});

describe("the options", () => {
  it.each([undefined, 7, null])("are refused with %j for a URL", (target) => {
    const untyped: unknown = { url: target, secret };
    expect(() => createRemoteAuthenticator(untyped as RemoteAuthenticatorOptions)).toThrow(/allowed: a URL/);
  });

  it.each<[string, object]>([
    ["an unknown one", { url, secret, timeout: 5 }],
    ["no secret", { url }],
    ["an empty secret", { url, secret: "" }],
    ["a secret that no header carries", { url, secret: "line\nbreak" }],
    ["a header name with a space", { url, secret, headerName: "X Secret" }],
    ["no time", { url, secret, timeoutSeconds: 0 }],
    ["a fetch that is a text", { url, secret, fetch: "fetch" }],
  ])("are refused with %s, without showing the secret", (_, options) => {
    const make = () => createRemoteAuthenticator(options as RemoteAuthenticatorOptions);
    expect(make).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(make).not.toThrow(secret);
  });
});
