import { execFileSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import packageJson from "../../package.json" with { type: "json" };
import type { CallContext } from "../../src/call-context.ts";
import { AtlasError } from "../../src/errors.ts";
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
} from "../../src/internal/http.ts";
import { type LeapingClock, leapingClock } from "../fakes/clock.ts";
import { type Handler, type ServedFake, serveFake } from "../fakes/serve.ts";
import { failureOf } from "../support/failure-of.ts";

const KEY = "rpa_0123456789abcdef";
const ENV_VALUE = "hunter2 is\nmy password";
const GET: HttpRequest = { method: "GET", path: "/things", idempotent: true };
const CREATE: HttpRequest = { method: "POST", path: "/things", json: { a: 1 }, idempotent: false };
const THING = z.looseObject({ id: z.string() });
const context = (facts: Partial<CallContext> = {}): CallContext => ({
  signal: new AbortController().signal,
  requestTimeoutSeconds: 5,
  ...facts,
});

let served: ServedFake | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

interface Setup {
  readonly client: HttpClient;
  readonly clock: LeapingClock;
  readonly seen: Request[];
}

async function against(handler: Handler, options: Partial<HttpClientOptions> = {}): Promise<Setup> {
  const seen: Request[] = [];
  served = await serveFake((request) => {
    seen.push(request);
    return handler(request);
  });
  const clock = leapingClock();
  const headers = (): Record<string, string> => ({ authorization: `Bearer ${KEY}` });
  const client = createHttpClient({
    provider: "acme",
    baseUrl: `${served.url}/v2`,
    headers,
    clock,
    ...options,
  });
  return { client, clock, seen };
}

/** Answers with each response once, then with 200 `{ "id": "x" }`. */
function inTurn(...responses: (() => Response)[]): Handler {
  return () => responses.shift()?.() ?? Response.json({ id: "x" });
}

const problem =
  (status: number, detail: string, headers: Record<string, string> = {}) =>
  (): Response =>
    Response.json({ title: "Refused", status, detail }, { status, headers });

describe("a request", () => {
  it("reaches the path below the base URL with query, JSON body, key and a real User-Agent", async () => {
    const bodies: unknown[] = [];
    const { client, seen } = await against(async (request) => {
      bodies.push(await request.json());
      return Response.json({ id: "x" });
    });
    const query = { one: 1, list: ["a b", "c"], absent: undefined };
    await client.read({ ...CREATE, query }, THING, context());
    const [request] = seen;
    expect(new URL(request?.url ?? "").pathname).toBe("/v2/things");
    expect(new URL(request?.url ?? "").search).toBe("?one=1&list=a+b&list=c");
    expect(request?.headers.get("authorization")).toBe(`Bearer ${KEY}`);
    expect(request?.headers.get("user-agent")).toBe(
      `atlas-compute/${packageJson.version} (+https://www.npmjs.com/package/atlas-compute)`,
    );
    expect(bodies).toEqual([{ a: 1 }]);
  });

  it("keeps fields that the vendor added and needs only those of the schema", async () => {
    const { client } = await against(() => Response.json({ id: "x", added: { later: true } }));
    expect(await client.read(GET, THING, context())).toEqual({ id: "x", added: { later: true } });
  });

  it("takes an answer without a body when none is asked for", async () => {
    const { client } = await against(() => new Response(null, { status: 204 }));
    await expect(client.send({ ...GET, method: "DELETE" }, context())).resolves.toBeUndefined();
  });

  it("goes through a fetch that was passed in", async () => {
    const client = createHttpClient({
      provider: "acme",
      baseUrl: "https://acme.example/v2/",
      headers: () => ({}),
      fetch: async (input) => Response.json({ id: new Request(input).url }),
    });
    expect(await client.read(GET, THING, context())).toEqual({ id: "https://acme.example/v2/things" });
  });
});

describe("retries", () => {
  it.each([408, 429, 500, 502, 503, 504, 524])("repeat an idempotent request after %i", async (status) => {
    const { client, seen } = await against(inTurn(problem(status, "no"), problem(status, "no")));
    expect(await client.read(GET, THING, context())).toEqual({ id: "x" });
    expect(seen).toHaveLength(3);
  });

  it("repeat an idempotent request whose connection broke", async () => {
    const { client, seen } = await against(
      inTurn(() => {
        throw new Error("cut");
      }),
    );
    expect(await client.read(GET, THING, context())).toEqual({ id: "x" });
    expect(seen).toHaveLength(2);
  });

  it.each([400, 401, 402, 403, 404, 409, 422])("do not repeat anything after %i", async (status) => {
    const { client, seen } = await against(problem(status, "no"));
    expect((await failureOf(client.read(GET, THING, context()))).status).toBe(status);
    expect(seen).toHaveLength(1);
  });

  it.each([408, 500, 502, 503])("do not repeat a create after %i, whose outcome is open", async (status) => {
    const { client, seen } = await against(problem(status, "no"));
    expect(await failureOf(client.read(CREATE, THING, context()))).toMatchObject({
      status,
      mayHaveCreated: true,
    });
    expect(seen).toHaveLength(1);
  });

  it("repeat a create after 429, which was refused before it was processed", async () => {
    const { client, seen, clock } = await against(inTurn(problem(429, "slow down", { "retry-after": "7" })));
    expect(await client.read(CREATE, THING, context())).toEqual({ id: "x" });
    expect(seen).toHaveLength(2);
    expect(clock.waits).toEqual([7000]);
  });

  it("wait for the window that is used up when it is longer than Retry-After", async () => {
    const rateLimit = '"minute";r=0;t=12, "hour";r=2800;t=1812';
    const limited = problem(429, "slow", { "retry-after": "3", ratelimit: rateLimit });
    const { client, clock } = await against(inTurn(limited));
    await client.read(GET, THING, context());
    expect(clock.waits).toEqual([12_000]);
  });

  it("throw RATE_LIMIT at once when the wait is longer than the time for retries", async () => {
    const { client, clock, seen } = await against(problem(429, "slow", { "retry-after": "3600" }));
    const error = await failureOf(client.read(GET, THING, context()));
    expect(error).toMatchObject({ code: "RATE_LIMIT", retryAfterSeconds: 3600, retryable: true });
    expect([clock.waits, seen.length]).toEqual([[], 1]);
  });

  it("end after three, each wait longer than the one before", async () => {
    const { client, seen, clock } = await against(problem(503, "down"));
    expect(await failureOf(client.read(GET, THING, context()))).toMatchObject({
      code: "UNAVAILABLE",
      status: 503,
    });
    expect(seen).toHaveLength(4);
    const [first = 0, second = 0, third = 0] = clock.waits;
    expect(clock.waits).toHaveLength(3);
    expect(first <= second && second <= third && third <= 2000).toBe(true);
  });

  it("end when the caller gives up while waiting, with the failure that made us wait", async () => {
    const caller = new AbortController();
    const clock = {
      now: () => new Date(0),
      sleep: () => {
        caller.abort();
        return Promise.reject(new Error("the caller gave up"));
      },
    };
    const { client, seen } = await against(problem(503, "down"), { clock });
    const error = await failureOf(client.read(GET, THING, context({ signal: caller.signal })));
    expect(error).toMatchObject({ code: "UNAVAILABLE", status: 503 });
    expect(seen).toHaveLength(1);
  });
});

describe("the outcome of a create", () => {
  it.each([400, 401, 402, 403, 404, 409, 422])("is known after %i: nothing was created", async (status) => {
    const { client } = await against(problem(status, "no"));
    expect((await failureOf(client.read(CREATE, THING, context()))).mayHaveCreated).toBe(false);
  });

  it("is open when the answer does not come in time", async () => {
    const { client } = await against(() => new Promise(() => undefined));
    const error = await failureOf(client.read(CREATE, THING, context({ requestTimeoutSeconds: 0.05 })));
    expect(error).toMatchObject({ code: "TIMEOUT", mayHaveCreated: true });
  });

  it("is open when the body never ends, although its head came", async () => {
    const { client } = await against(
      () => new Response(new ReadableStream({ pull: () => new Promise(() => undefined) })),
    );
    const error = await failureOf(client.read(CREATE, THING, context({ requestTimeoutSeconds: 0.1 })));
    expect(error).toMatchObject({ code: "TIMEOUT", mayHaveCreated: true });
  });

  it("is open when the connection breaks after sending", async () => {
    const { client } = await against(() => {
      throw new Error("cut");
    });
    const error = await failureOf(client.read(CREATE, THING, context()));
    expect(error).toMatchObject({ code: "TRANSPORT", mayHaveCreated: true });
  });

  it.each([
    ["is not JSON", () => new Response("<html>")],
    ["lacks a field", () => Response.json({ name: "x" })],
    ["is empty", () => new Response(null, { status: 201 })],
  ])("is open when the answer %s", async (_, answer) => {
    const { client, seen } = await against(answer);
    const error = await failureOf(client.read(CREATE, THING, context()));
    expect(error).toMatchObject({ code: "PROVIDER", mayHaveCreated: true });
    expect(seen).toHaveLength(1);
  });

  it("is known when no server listens: nothing was sent", async () => {
    const { client } = await against(() => Response.json({}));
    await served?.close();
    const error = await failureOf(client.read(CREATE, THING, context()));
    expect(error).toMatchObject({ code: "TRANSPORT", mayHaveCreated: false });
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("is known when the caller had given up before", async () => {
    const { client, seen } = await against(() => Response.json({}));
    const error = await failureOf(client.read(CREATE, THING, context({ signal: AbortSignal.abort() })));
    expect(error).toMatchObject({ code: "TIMEOUT", mayHaveCreated: false });
    expect(seen).toHaveLength(0);
  });

  it("is open when the caller gives up in the middle", async () => {
    const caller = new AbortController();
    const { client } = await against(() => {
      caller.abort();
      return new Promise(() => undefined);
    });
    const error = await failureOf(client.read(CREATE, THING, context({ signal: caller.signal })));
    expect(error).toMatchObject({ code: "TIMEOUT", mayHaveCreated: true });
  });

  it("is open when the server answers something that is not HTTP", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", () => socket.end("SSH-2.0-OpenSSH\r\n"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const client = createHttpClient({
      provider: "acme",
      baseUrl: `http://127.0.0.1:${port}`,
      headers: () => ({}),
    });
    expect(await failureOf(client.read(CREATE, THING, context()))).toMatchObject({
      code: "TRANSPORT",
      mayHaveCreated: true,
    });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("errors", () => {
  it("call only that retryable which can be repeated without creating twice", async () => {
    const { client } = await against(problem(503, "down"), { maxRetries: 0 });
    expect(await failureOf(client.read(GET, THING, context()))).toMatchObject({ retryable: true });
    expect(await failureOf(client.read(CREATE, THING, context()))).toMatchObject({ retryable: false });
  });

  it.each([
    [400, "VALIDATION"],
    [401, "AUTH_ERROR"],
    [402, "BILLING"],
    [403, "FORBIDDEN"],
    [404, "NOT_FOUND"],
    [409, "CONFLICT"],
    [410, "PROVIDER"],
    [422, "VALIDATION"],
    [500, "PROVIDER"],
    [503, "UNAVAILABLE"],
  ] as const)(
    "sort %i as %s and name provider, method, path, status and request id",
    async (status, code) => {
      const { client } = await against(problem(status, "because", { "x-request-id": "r-1" }), {
        maxRetries: 0,
      });
      const error = await failureOf(client.read({ ...GET, query: { secret: "s3cr3t" } }, THING, context()));
      expect(error).toMatchObject({ code, status, provider: "acme", requestId: "r-1" });
      expect(error.message).toBe(`acme: GET /things was refused with ${status}, saying: because`);
    },
  );

  it.each([400, 200])("have no request id that echoes a secret, with %i", async (status) => {
    const hidden = "secret-of-the-request";
    const echo = Buffer.from(hidden).toString("hex");
    const { client } = await against(() => new Response("", { status, headers: { "x-request-id": echo } }));
    const error = await failureOf(client.read({ ...GET, secrets: [hidden] }, THING, context()));
    expect([error.status, error.requestId]).toEqual([status, undefined]);
  });

  it.each([403, 404])("do not take a %i that is not JSON for the provider's verdict", async (status) => {
    const { client } = await against(() => new Response("error code: 1010", { status }));
    const error = await failureOf(client.read(GET, THING, context()));
    expect(error.code).toBe("PROVIDER");
    expect(error.message).toMatch(/not JSON, so from a gateway.*error code: 1010/);
  });

  it("let the provider's own table speak first", async () => {
    const { client } = await against(problem(409, "machine ID 5 already exists"), {
      classify: ({ status }) => (status === 409 ? { code: "CONFLICT", providerId: "5" } : undefined),
    });
    expect(await failureOf(client.read(CREATE, THING, context()))).toMatchObject({
      code: "CONFLICT",
      providerId: "5",
      mayHaveCreated: false,
    });
  });

  it("name the field that does not fit, and no value", async () => {
    const { client } = await against(() => Response.json({ list: [{ id: "a" }, { id: 5_551_234 }] }));
    const error = await failureOf(client.read(GET, z.object({ list: z.array(THING) }), context()));
    expect(error.message).toContain("list[1].id: expected string");
    expect(error.message).not.toContain("5551234");
  });

  it("list the faults that a 422 found", async () => {
    const body = {
      title: "Invalid",
      detail: "validation failed",
      errors: [{ location: "body.nope", message: "unexpected" }],
    };
    const { client } = await against(() => Response.json(body, { status: 422 }));
    expect((await failureOf(client.read(CREATE, THING, context()))).message).toContain("body.nope");
  });

  it("never hold the key, an env value, a query string or the request, however they are printed", async () => {
    const echo = `Bearer ${KEY} sent ${ENV_VALUE} and ${JSON.stringify(ENV_VALUE)} to https://x.test/a?sig=abcdef`;
    const answers = [problem(422, echo), problem(500, echo), () => new Response(echo, { status: 403 })];
    for (const answer of answers) {
      const { client } = await against(answer, { maxRetries: 0 });
      const request = { ...CREATE, query: { token: "query-secret" }, secrets: [ENV_VALUE] };
      const error = await failureOf(client.read(request, THING, context()));
      const printed = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}${error.stack}`;
      for (const secret of [KEY, "hunter2", "password", "sig=abcdef", "query-secret"])
        expect(printed).not.toContain(secret);
      expect(error.cause).toBeUndefined();
      await served?.close();
    }
  });

  it("do not repeat a header that could not be sent", async () => {
    const { client } = await against(() => Response.json({}), {
      headers: () => ({ authorization: `Bearer ${KEY}\nx` }),
    });
    const error = await failureOf(client.read(CREATE, THING, context()));
    expect(inspect(error, { depth: 9 })).not.toContain(KEY);
  });

  it("keep the body's words short", async () => {
    const { client } = await against(problem(400, "long ".repeat(5000)));
    expect((await failureOf(client.read(GET, THING, context()))).message.length).toBeLessThan(300);
  });

  it("refuse to follow a redirect, so that the key goes nowhere else", async () => {
    const { client, seen } = await against(
      () => new Response(null, { status: 302, headers: { location: "/v2/other" } }),
    );
    const error = await failureOf(client.read(GET, THING, context()));
    expect(error).toMatchObject({ code: "PROVIDER", status: 302 });
    expect(seen).toHaveLength(1);
  });

  it("stop reading an answer that is too long", async () => {
    const { client } = await against(() => Response.json({ id: "x".repeat(5000) }), { maxBytes: 1000 });
    const error = await failureOf(client.read(GET, THING, context()));
    expect(error).toMatchObject({ code: "PROVIDER" });
    expect(error.message).toContain("longer than 1000 bytes");
  });

  it("pass on the error of the headers function, before anything is sent", async () => {
    const missing = new AtlasError("VALIDATION", "no key");
    const { client, seen } = await against(() => Response.json({}), {
      headers: () => {
        throw missing;
      },
    });
    expect(await failureOf(client.read(CREATE, THING, context()))).toBe(missing);
    expect(seen).toHaveLength(0);
  });
});

describe("a stream", () => {
  const collect = async (stream: AsyncIterable<string>): Promise<string> => {
    let all = "";
    for await (const text of stream) all += text;
    return all;
  };

  it("yields the text as it comes, also when it takes longer than a request may", async () => {
    const encoder = new TextEncoder();
    const [head, tail] = [
      encoder.encode("data: gr\u00fc").slice(0, -1),
      encoder.encode("data: gr\u00fc\n").slice(-2),
    ];
    const { client } = await against(() => {
      const parts = [head, tail];
      return new Response(
        new ReadableStream({
          pull: async (controller) => {
            const part = parts.shift();
            if (part === undefined) return controller.close();
            await new Promise((resolve) => setTimeout(resolve, 80));
            controller.enqueue(part);
          },
        }),
      );
    });
    expect(await collect(client.stream(GET, context({ requestTimeoutSeconds: 0.1 })))).toBe("data: grü\n");
  });

  it("ends the transfer when its reader leaves", async () => {
    let ended = false;
    const { client } = await against((request) => {
      request.signal.addEventListener("abort", () => {
        ended = true;
      });
      return new Response(
        new ReadableStream({
          pull: async (controller) => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            controller.enqueue(new TextEncoder().encode("more "));
          },
        }),
      );
    });
    for await (const text of client.stream(GET, context())) {
      expect(text).toContain("more");
      break;
    }
    await expect.poll(() => ended).toBe(true);
  });

  it("throws TRANSPORT when the connection breaks, and TIMEOUT when the caller gives up", async () => {
    const caller = new AbortController();
    const broken = (): Response => {
      let first = true;
      return new Response(
        new ReadableStream({
          pull: (controller) => {
            if (!first)
              return new Promise<void>((_, reject) => setTimeout(() => reject(new Error("cut")), 20));
            first = false;
            controller.enqueue(new TextEncoder().encode("one"));
            return undefined;
          },
        }),
      );
    };
    const { client } = await against(broken);
    expect((await failureOf(collect(client.stream(GET, context())))).code).toBe("TRANSPORT");
    const reading = collect(client.stream(GET, context({ signal: caller.signal })));
    caller.abort();
    expect((await failureOf(reading)).code).toBe("TIMEOUT");
  });

  it("leaves no listener on the caller's signal when it has ended, when its reader leaves, and when it is refused", async () => {
    const caller = new AbortController();
    const facts = context({ signal: caller.signal });
    const { client } = await against(inTurn(problem(404, "no such thing"), problem(503, "down")));
    await failureOf(collect(client.stream(GET, facts)));
    await collect(client.stream(GET, facts));
    for await (const _ of client.stream(GET, facts)) break;
    await client.read(GET, THING, facts);
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  });

  it("ends when the caller gives up long after its head came", async () => {
    const caller = new AbortController();
    const { client } = await against(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("head")),
            pull: () => new Promise(() => undefined),
          }),
        ),
    );
    const reading = (async () => {
      for await (const text of client.stream(GET, context({ signal: caller.signal }))) {
        expect(text).toBe("head");
        setTimeout(() => caller.abort(), 20);
      }
    })();
    expect((await failureOf(reading)).code).toBe("TIMEOUT");
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  });

  it("throws the refusal before it yields anything", async () => {
    const { client } = await against(problem(404, "no such thing"));
    expect((await failureOf(collect(client.stream(GET, context())))).code).toBe("NOT_FOUND");
  });
});

describe("loading", () => {
  it.each(["ky", "p-retry"])("does not load %s before the first request", (name) => {
    const program = [
      'import { registerHooks } from "node:module";',
      "const seen = [];",
      "registerHooks({ resolve: (name, c, next) => { seen.push(name); return next(name, c); } });",
      'await import("./src/internal/http.ts");',
      "console.log(seen.includes(process.argv[1]));",
    ].join("\n");
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", program, name], {
      encoding: "utf8",
    });
    expect(out.trim()).toBe("false");
  });
});
