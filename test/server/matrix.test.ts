/** Every route with every credential, method and body. The control plane refuses all that this file does not allow; a route without a case fails. */
import { describe, expect, test } from "vitest";
import { AtlasError, type Problem } from "../../src/errors.ts";
import { createApp } from "../../src/server/app.ts";
import { toPlane } from "../../src/server/options.ts";
import type { Route } from "../../src/server/route.ts";
import { routes } from "../../src/server/routes.ts";
import type { Store } from "../../src/store.ts";
import { intercept, storeMethods } from "../support/intercept.ts";
import {
  type CredentialCase,
  credentialCases,
  type RouteCase,
  routeCases,
  type Stage,
  setStage,
} from "./cases.ts";
import { type CallOptions, planeUnderTest } from "./plane.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const nameOf = ({ method, path }: { method: string; path: string }): string => `${method} ${path}`;
const named = routes.map((route) => [nameOf(route), route] as const);
const withBody = named.filter(([, { maxBytes }]) => maxBytes > 0);
const withoutBody = named.filter(([, { maxBytes }]) => maxBytes === 0);
const guarded = named.filter(([, { credential }]) => credential !== "public");

function caseOf(route: Route): RouteCase {
  const found = routeCases[nameOf(route)];
  if (found === undefined) throw new Error(`${nameOf(route)} has no case: add it to cases.ts`);
  return found;
}

function pathOf({ path, method }: Pick<Route, "path"> & Partial<Route>, { pod }: Stage): string {
  return path.replace(":id", pod.compute.id).replace(":slot", method === "PUT" ? "free" : "held");
}

/** Calls a route with this credential, and with a valid body unless another is given. */
function send(stage: Stage, route: Route, options: CallOptions): Promise<Response> {
  const body = caseOf(route).body?.(stage);
  return stage.plane.call(
    route.method,
    pathOf(route, stage),
    body === undefined ? options : { body, ...options },
  );
}

function acceptedHeaders(route: Route, stage: Stage): NonNullable<CallOptions["headers"]> {
  const accepted = credentialCases(route.credential, stage).find(({ outcome }) => outcome === "accepted");
  return accepted?.headers ?? {};
}

/** Status and code of a response, after checks that it is complete, that a failure is a problem, and that no cache may keep it. */
async function outcomeOf(response: Response): Promise<string> {
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("cross-origin-resource-policy")).toBe("same-origin");
  const isStream = response.headers.get("content-type") === "text/event-stream";
  if (isStream) await response.body?.cancel();
  if (response.status < 400 || isStream) return `${response.status}`;
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.has("www-authenticate")).toBe(response.status === 401);
  const problem = (await response.json()) as Problem;
  expect(problem).toMatchObject({ status: response.status, type: "about:blank" });
  return `${response.status} ${problem.code}`;
}

function expectedOf(route: Route, { outcome }: CredentialCase): string {
  if (outcome === "rejected") return "401 UNAUTHORIZED";
  const reads = route.path.includes(":id") || (route.method === "GET" && route.path.includes(":slot"));
  return outcome === "other" && reads ? "404 NOT_FOUND" : `${caseOf(route).status}`;
}

describe("the table of routes", () => {
  test("lists every route that the application serves", () => {
    const plane = planeUnderTest();
    const authorize = (): null => null;
    const app = createApp(toPlane({ atlas: plane.atlas, authorize, request: () => ({}) }));
    expect(app.routes.map(nameOf).sort()).toEqual(routes.map(nameOf).sort());
  });

  test("has a case for every route, and no route twice", () => {
    expect(Object.keys(routeCases).sort()).toEqual(routes.map(nameOf).sort());
  });

  test("demands the fitting credential on every route but /health", () => {
    const kinds: Readonly<Record<string, string>> = {
      health: "public",
      computes: "user",
      slots: "user",
      pod: "pod",
      internal: "internal",
    };
    const kindOf = (path: string): string | undefined => kinds[path.split("/")[1] ?? ""];
    expect(routes.map((route) => `${nameOf(route)}: ${route.credential}`)).toEqual(
      routes.map((route) => `${nameOf(route)}: ${kindOf(route.path)}`),
    );
  });

  test("has a rate for every route of a pod and of a user", () => {
    const limited = ["pod", "user"];
    const unlimited = routes.filter(
      ({ credential, rate }) => limited.includes(credential) && rate === undefined,
    );
    expect(unlimited.map(nameOf)).toEqual([]);
  });
});

describe("every credential", () => {
  test.each(named)("%s accepts the right credentials and refuses all others", async (_name, route) => {
    const { length } = credentialCases(route.credential, await setStage());
    for (let index = 0; index < length; index += 1) {
      const stage = await setStage();
      const one = credentialCases(route.credential, stage)[index] as CredentialCase;
      const before = await stage.plane.store.get("default", stage.pod.compute.id);
      const outcome = await outcomeOf(await send(stage, route, { headers: one.headers ?? {} }));
      expect(`${one.name}: ${outcome}`).toBe(`${one.name}: ${expectedOf(route, one)}`);
      const after = await stage.plane.store.get("default", stage.pod.compute.id);
      if (one.outcome !== "accepted") expect(after, one.name).toEqual(before);
    }
  });
});

describe("every method", () => {
  const paths = [...new Set(routes.map(({ path }) => path))];

  test.each(paths)("%s takes its own methods only, and lists them", async (path) => {
    const stage = await setStage();
    const own = routes.filter((route) => route.path === path);
    const allowed = own.map(({ method }): string => method);
    const wrong = METHODS.filter((method) => !allowed.includes(method) && method !== "HEAD");
    for (const method of wrong) {
      const response = await stage.plane.call(method, pathOf({ path }, stage));
      expect(await outcomeOf(response), method).toBe(method === "OPTIONS" ? "204" : "405 VALIDATION");
      expect(response.headers.get("allow")?.split(", ").sort(), method).toEqual([...allowed].sort());
    }
  });

  test.each(paths)("HEAD %s is GET without its body, where a GET only reads", async (path) => {
    const stage = await setStage();
    const get = routes.find((route) => route.path === path && route.method === "GET");
    const headers = get === undefined ? {} : acceptedHeaders(get, stage);
    const response = await stage.plane.call("HEAD", pathOf({ path }, stage), { headers });
    expect(response.status).toBe(get?.head === true ? 200 : 405);
    expect(await response.text()).toBe("");
  });
});

describe("every body", () => {
  const refusals: readonly [name: string, expected: string, make: (text: string) => CallOptions][] = [
    ["of another type", "415 VALIDATION", (body) => ({ body, headers: { "content-type": "text/plain" } })],
    [
      "without a type",
      "415 VALIDATION",
      (body) => ({ body: streamOf(body), headers: { "content-type": "" } }),
    ],
    [
      "as a form",
      "415 VALIDATION",
      () => ({ body: "path=/", headers: { "content-type": "application/x-www-form-urlencoded" } }),
    ],
    ["that is cut off", "400 VALIDATION", (body) => ({ body: body.slice(0, -1) })],
    ["that breaks off", "400 VALIDATION", (body) => ({ body: breakingStream(body) })],
  ];

  test.each(withBody)("%s refuses a body that is not JSON, or incomplete", async (_name, route) => {
    const stage = await setStage();
    const headers = acceptedHeaders(route, stage);
    const text = JSON.stringify(caseOf(route).body?.(stage));
    for (const [name, expected, make] of refusals) {
      const options = make(text);
      const response = await send(stage, route, { ...options, headers: { ...options.headers, ...headers } });
      expect(`${name}: ${await outcomeOf(response)}`).toBe(`${name}: ${expected}`);
    }
  });

  test.each(withBody)("%s stops reading a body that is too long", async (_name, route) => {
    const stage = await setStage();
    const headers = acceptedHeaders(route, stage);
    const endless = endlessStream();
    expect(await outcomeOf(await send(stage, route, { headers, body: endless.stream }))).toBe(
      "413 VALIDATION",
    );
    expect(endless.bytesRead()).toBeLessThan(route.maxBytes + 100_000);
    expect(endless.isCancelled()).toBe(true);
    const declared = { ...headers, "content-length": "2" };
    const long = " ".repeat(route.maxBytes + 1);
    expect(await outcomeOf(await send(stage, route, { headers: declared, body: long }))).toBe(
      "413 VALIDATION",
    );
  });

  test.each(withBody.filter(([, route]) => caseOf(route).wrongBody !== undefined))(
    "%s refuses JSON that it does not know",
    async (_name, route) => {
      const stage = await setStage();
      const headers = acceptedHeaders(route, stage);
      const right = caseOf(route).body?.(stage);
      const { wrongBody, takesEmpty = false } = caseOf(route);
      const wrong = [wrongBody, null, [], 7, "text", ...(takesEmpty ? [] : [{}]), [right]];
      for (const body of wrong) {
        const response = await send(stage, route, { headers, body: JSON.stringify(body) });
        expect(`${JSON.stringify(body)}: ${await outcomeOf(response)}`).toBe(
          `${JSON.stringify(body)}: 422 VALIDATION`,
        );
      }
    },
  );

  test.each(withoutBody.filter(([, { method }]) => method !== "GET"))(
    "%s does not look at a body",
    async (_name, route) => {
      const stage = await setStage();
      const endless = endlessStream();
      const response = await send(stage, route, {
        headers: { ...acceptedHeaders(route, stage), "content-type": "text/plain" },
        body: endless.stream,
      });
      expect(response.status).toBe(caseOf(route).status);
      expect(endless.bytesRead()).toBeLessThan(100_000);
    },
  );
});

describe("every path", () => {
  test.each(["/", "/computers", "/pod", "/pod/", "/internal", "/computes/a/b", "/health/x", "/../x"])(
    "%s is not there",
    async (path) => {
      const { plane } = await setStage();
      expect(await outcomeOf(await plane.call("GET", path))).toBe("404 NOT_FOUND");
    },
  );

  test("outside the base path does not exist", async () => {
    const { plane } = await setStage();
    const response = await plane.handler(new Request("https://app.example/health"));
    expect(await outcomeOf(response)).toBe("404 NOT_FOUND");
  });
});

describe("a store that is down", () => {
  const down = new AtlasError("STORE_UNAVAILABLE", "the database does not answer");

  function failing(error: Error): { through: (store: Store) => Store; fail: () => void } {
    let isDown = false;
    const check = (): void => {
      if (isDown) throw error;
    };
    return {
      through: (store) => intercept(store, storeMethods, check),
      fail: () => {
        isDown = true;
      },
    };
  }

  test.each(guarded)("%s answers 503 to every credential, and accepts none", async (_name, route) => {
    const { through, fail } = failing(down);
    const stage = await setStage(planeUnderTest({}, through));
    fail();
    const right = acceptedHeaders(route, stage);
    expect(await outcomeOf(await send(stage, route, { headers: right }))).toBe("503 STORE_UNAVAILABLE");
    expect(await outcomeOf(await send(stage, route, { headers: {} }))).toBe("401 UNAUTHORIZED");
  });

  test("does not affect /health, by which a pod checks its control plane", async () => {
    const { through, fail } = failing(down);
    const { plane } = await setStage(planeUnderTest({}, through));
    fail();
    expect((await plane.call("GET", "/health")).status).toBe(200);
  });

  test.each(guarded)("%s reveals nothing of an unexpected failure", async (_name, route) => {
    const { through, fail } = failing(new Error("password=hunter2"));
    const stage = await setStage(planeUnderTest({}, through));
    fail();
    const response = await send(stage, route, { headers: acceptedHeaders(route, stage) });
    expect(await response.clone().text()).not.toContain("hunter2");
    expect(await outcomeOf(response)).toBe("503 UNAVAILABLE");
    expect(JSON.stringify(stage.plane.logged)).toContain("hunter2");
  });
});

function streamOf(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream();
}

/** A body that ends in a lost connection after this text. */
function breakingStream(text: string): ReadableStream<Uint8Array> {
  const chunks = [new TextEncoder().encode(text)];
  return new ReadableStream({
    pull: (controller) => {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.error(new Error("the connection was lost"));
      else controller.enqueue(chunk);
    },
  });
}

function endlessStream(): {
  stream: ReadableStream<Uint8Array>;
  bytesRead: () => number;
  isCancelled: () => boolean;
} {
  let bytes = 0;
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.enqueue(new Uint8Array(1000).fill(32));
      bytes += 1000;
    },
    cancel: () => {
      cancelled = true;
    },
  });
  return { stream, bytesRead: () => bytes, isCancelled: () => cancelled };
}
