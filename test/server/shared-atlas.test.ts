import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Atlas, createAtlas } from "../../src/atlas.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { createControlPlane, sharedAtlas, toNextRoutes, toResourceRoute } from "../../src/server/index.ts";

let count = 0;
let name: string;
let made: Atlas[];

beforeEach(() => {
  count += 1;
  name = `test-${count}`;
  made = [];
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await sharedAtlas(name, one).close();
  await Promise.all(made.map((atlas) => atlas.close()));
});

/** Counts the client that a factory made. */
function counted(): Atlas {
  const atlas = createAtlas({ providers: [mock()] });
  made.push(atlas);
  return atlas;
}

const one = (): Atlas => counted();
const other = (): Atlas => {
  const client = counted();
  return client;
};
const request = { image: "ghcr.io/me/server:1", ports: [8000] } as const;

test("every evaluation of a module gets the one client: each sees the computes of the others", async () => {
  const [instrumentation, routes, pages] = [1, 2, 3].map(() => sharedAtlas(name, () => counted()));
  const compute = await instrumentation?.spawnCompute(request);
  expect(await routes?.getCompute(compute?.id ?? "")).toMatchObject({ id: compute?.id });
  expect((await pages?.listComputes())?.computes).toHaveLength(1);
  expect(made).toHaveLength(1);
});

test("a handle is a client, and makes none before it is used", async () => {
  const atlas = sharedAtlas(name, one);
  expect(atlas).toBeInstanceOf(Atlas);
  createControlPlane({ atlas, authorize: () => null, request: () => request });
  expect(await Promise.resolve(atlas)).toBe(atlas);
  expect(made).toEqual([]);
  expect(atlas.controlUrl).toBeUndefined();
  expect(made).toHaveLength(1);
});

test("names keep clients apart", async () => {
  const second = sharedAtlas(`${name}-second`, one);
  await sharedAtlas(name, one).spawnCompute(request);
  expect((await second.listComputes()).computes).toEqual([]);
  await second.close();
});

test("in development a factory with another text replaces the client and closes the old one", async () => {
  vi.stubEnv("NODE_ENV", "development");
  const atlas = sharedAtlas(name, one);
  await atlas.spawnCompute(request);
  const closed = vi.spyOn(made[0] ?? expect.unreachable(), "close");
  sharedAtlas(name, other);
  expect(closed).toHaveBeenCalledOnce();
  expect((await atlas.listComputes()).computes).toEqual([]);
  expect(made).toHaveLength(2);
});

test("in production the first factory counts", async () => {
  vi.stubEnv("NODE_ENV", "production");
  await sharedAtlas(name, one).spawnCompute(request);
  expect((await sharedAtlas(name, other).listComputes()).computes).toHaveLength(1);
  expect(made).toHaveLength(1);
});

test("one factory in two bundles is one factory, although bundlers rename its imports", async () => {
  vi.stubEnv("NODE_ENV", "development");
  const texts = [
    "() => (0, __TURBOPACK__imported__module__$5b$project$5d2f$a$2e$ts__$5b$app$2d$route$5d$__.create)()",
    "() => (0, __TURBOPACK__imported__module__$5b$project$5d2f$a$2e$ts__$5b$instrumentation$5d$__.create)()",
    "() => (0, __WEBPACK_IMPORTED_MODULE_0__.create)()",
    "() => (0,__WEBPACK_IMPORTED_MODULE_17__.create)()",
    "() => __vite_ssr_import_0__.create()",
    "() => __vite_ssr_import_3__.create()",
  ];
  for (const [first, second] of [texts.slice(0, 2), texts.slice(2, 4), texts.slice(4)]) {
    const factoryOf = (text = ""): (() => Atlas) => Object.assign(() => counted(), { toString: () => text });
    const shared = `${name}-${first?.slice(10, 40)}`;
    const atlas = sharedAtlas(shared, factoryOf(first));
    await atlas.spawnCompute(request);
    sharedAtlas(shared, factoryOf(second));
    expect((await atlas.listComputes()).computes).toHaveLength(1);
    await atlas.close();
  }
});

test("one reaper runs however often it is started, and follows the client that replaces the old one", async () => {
  vi.stubEnv("NODE_ENV", "development");
  const first = sharedAtlas(name, one).startReaper({ everySeconds: 3600 });
  const again = sharedAtlas(name, one).startReaper({ everySeconds: 3600 });
  expect(again).toBe(first);
  sharedAtlas(name, other);
  expect(made).toHaveLength(2);
  const after = sharedAtlas(name, other).startReaper();
  expect(after).not.toBe(first);
  await after.stop();
  const anew = sharedAtlas(name, other).startReaper();
  expect(anew).not.toBe(after);
  await anew.stop();
});

test.each([
  ["NEXT_PHASE", "phase-production-build"],
  ["IS_RR_BUILD_REQUEST", "yes"],
])("no reaper starts, and no client is made, while %s says that a build runs", async (variable, value) => {
  vi.stubEnv(variable, value);
  const reaper = sharedAtlas(name, one).startReaper({ untilSignal: true });
  await reaper.stop();
  expect(made).toEqual([]);
});

test("a factory that fails fails each use, and the next one tries again", async () => {
  let isBroken = true;
  const atlas = sharedAtlas(name, () => {
    if (isBroken) throw new Error("no database");
    return counted();
  });
  expect(() => atlas.controlUrl).toThrow("no database");
  expect(() => atlas.reap()).toThrow("no database");
  isBroken = false;
  expect(await atlas.reap()).toMatchObject({ remaining: false });
});

test.each([
  ["", one],
  [7, one],
  ["main", createAtlas],
  ["main", undefined],
])("a name %j or a factory that is none is refused", (wrong, factory) => {
  const isCallable = factory === createAtlas;
  const share = (): unknown => Reflect.apply(sharedAtlas, undefined, [isCallable ? "" : wrong, factory]);
  expect(share).toThrow(/The arguments of sharedAtlas/);
});

test("route handlers of Next and resource routes of React Router pass the request on as it is", async () => {
  const seen: Request[] = [];
  const plane = async (incoming: Request): Promise<Response> => {
    seen.push(incoming);
    return new Response(incoming.method);
  };
  const routes = toNextRoutes(plane);
  const incoming = new Request("http://localhost/api/atlas/computes");
  for (const route of Object.values(routes)) {
    expect(route).toHaveLength(1);
    expect(await (await route(incoming)).text()).toBe("GET");
  }
  const { loader, action } = toResourceRoute(plane);
  await loader({ request: incoming });
  await action({ request: incoming });
  expect(new Set(seen)).toEqual(new Set([incoming]));
  expect(Object.keys(routes)).toEqual(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]);
});
