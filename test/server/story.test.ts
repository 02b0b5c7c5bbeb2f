/** The whole story over real HTTP: an application, its user's browser, a pod that is a real process, a cron, and an intruder. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { expect, test } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { type Atlas, type Clock, createAtlas, systemClock } from "../../src/index.ts";
import { local } from "../../src/providers/local/index.ts";
import { createControlPlane } from "../../src/server/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";

const SECRET = "internal-secret-of-32-characters!";
const POD = fileURLToPath(new URL("story-pod.ts", import.meta.url));

/** The application's server, and a clock that a test can advance. */
interface Application extends AsyncDisposable {
  readonly url: string;
  readonly atlas: Atlas;
  putForward(seconds: number): void;
}

async function startApplication(): Promise<Application> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-story-"));
  let ahead = 0;
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + ahead) };
  let handler: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  const server = serve({ fetch: (request) => handler(request), port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/atlas`;
  const atlas = createAtlas({
    providers: [local({ stateDirectory: join(folder, "pods"), stopTimeoutSeconds: 1 })],
    store: sqliteStore(join(folder, "atlas.db"), { clock }),
    controlUrl: url,
    signingKey: "signing-key-of-thirty-two-characters",
    clock,
  });
  const users = new Map(["ada", "bob"].map((userId) => [`session=${userId}`, { userId }]));
  handler = createControlPlane({
    atlas,
    authorize: ({ headers }) => users.get(headers.get("cookie") ?? ""),
    request: () => ({
      ...{ command: [process.execPath, POD], ports: [8000], idleTimeoutSeconds: 600 },
      auth: ["bearer", "signed-url", "cookie"],
    }),
    internalSecret: SECRET,
    basePath: "/api/atlas",
    clock,
  });
  return {
    ...{ url, atlas },
    putForward: (seconds) => {
      ahead += seconds * 1000;
    },
    [Symbol.asyncDispose]: async () => {
      for await (const { id } of atlas.listComputes()) await atlas.terminate(id);
      await new Promise((resolve) => server.close(resolve));
      await atlas.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Calls, and returns the status, or 0 where no server listens. */
async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  try {
    const response = await fetch(url, init);
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    if (error instanceof TypeError) return 0;
    throw error;
  }
}

const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
const as = (user: string, method = "GET"): RequestInit => ({
  method,
  headers: { cookie: `session=${user}`, "sec-fetch-site": "same-origin" },
});
const posting = (body: object, headers: Record<string, string>): RequestInit => ({
  ...{ method: "POST", body: JSON.stringify(body) },
  headers: { "content-type": "application/json", ...headers },
});

/** Events as an `EventSource` receives them: it reconnects after the last event when the stream ends, until the server answers 204. */
async function* eventsOf(url: string, user: string): AsyncGenerator<string, void, undefined> {
  const headers: Record<string, string> = { cookie: `session=${user}` };
  for (;;) {
    const { status, body } = await fetch(url, { headers });
    if (status === 204 || body === null) return;
    const texts = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { id, data } of texts) {
      headers["last-event-id"] = id ?? "";
      yield data;
    }
  }
}

/** Reads events until one has this text. */
async function waitForEvent(events: AsyncGenerator<string>, text: string): Promise<void> {
  for (let next = await events.next(); next.done !== true; next = await events.next())
    if (next.value.includes(text)) return;
  throw new Error(`the events ended before ${text} came`);
}

test("a browser's user spawns and calls a pod, which reports back, learns of a new token, and is reaped; an intruder gets nowhere", async () => {
  await using application = await startApplication();
  const { url, atlas } = application;

  // A request without a session cannot spawn.
  expect(await statusOf(`${url}/computes`, { method: "POST" })).toBe(401);
  expect(
    await statusOf(`${url}/computes`, posting({ userId: "ada" }, { authorization: "Bearer guessed" })),
  ).toBe(401);
  expect((await atlas.listComputes()).computes).toEqual([]);

  // Ada can.
  const created = await fetch(`${url}/computes`, as("ada", "POST"));
  expect(created.status).toBe(201);
  const { id, auth, ports } = (await created.json()) as {
    id: string;
    auth: { token: string };
    ports: { url: string }[];
  };
  const pod = ports[0]?.url ?? "";
  const events = eventsOf(`${url}/computes/${id}/events`, "ada");

  // The pod reports with its own credential, and opens to her token alone.
  await waitForEvent(events, '"status":"ready"');
  expect(await statusOf(pod, bearer(auth.token))).toBe(200);
  expect(await statusOf(pod)).toBe(401);
  expect(await statusOf(pod, bearer("guessed"))).toBe(401);
  await waitForEvent(events, '"kind":"heartbeat"');
  expect((await atlas.getCompute(id)).reports).toMatchObject({ status: { status: "ready" }, heartbeat: {} });

  // Only the pod can report, not even its user can; and to another user it does not exist.
  expect(
    await statusOf(
      `${url}/pod/status`,
      posting({ status: "mine" }, { authorization: `Bearer ${auth.token}` }),
    ),
  ).toBe(401);
  for (const [method, path] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/touch"],
    ["GET", "/events"],
    ["POST", "/signed-url"],
  ])
    expect(await statusOf(`${url}/computes/${id}${path}`, as("bob", method))).toBe(
      path === "/signed-url" ? 422 : 404,
    );

  // Another service of the application learns the user of a token; a caller without the secret does not.
  const verify = (token: string, secret: string): RequestInit =>
    posting({ token }, { "x-internal-secret": secret });
  const known = await fetch(`${url}/internal/verify`, verify(auth.token, SECRET));
  expect(await known.json()).toMatchObject({ computeId: id, userId: "ada" });
  expect(await statusOf(`${url}/internal/verify`, verify(auth.token, "guessed"))).toBe(401);

  // Ada's token is rotated. The pod never receives the new token, only its hash, and accepts it.
  const { token } = await atlas.rotateToken(id, { overlapSeconds: 0 });
  expect(await statusOf(`${url}/internal/verify`, verify(auth.token, SECRET))).toBe(401);
  await expect
    .poll(async () => [await statusOf(pod, bearer(auth.token)), await statusOf(pod, bearer(token))], {
      timeout: 10_000,
    })
    .toEqual([401, 200]);

  // A second tab gets a token of its own, and a link opens the pod's web UI in a third one.
  const { token: second } = (await (
    await fetch(`${url}/computes/${id}/token`, as("ada", "POST"))
  ).json()) as {
    token: string;
  };
  expect(await statusOf(pod, bearer(second))).toBe(200);
  const link = (await (await fetch(`${url}/computes/${id}/open`, as("ada", "POST"))).json()) as {
    url: string;
  };
  const opened = await fetch(link.url, { redirect: "manual" });
  expect([opened.status, opened.headers.get("location")]).toEqual([303, "/"]);
  const cookie = opened.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
  const fromPage = { headers: { cookie, "sec-fetch-site": "same-origin" } };
  expect(await statusOf(pod, fromPage)).toBe(200);
  expect(await statusOf(pod, { headers: { ...fromPage.headers, "sec-fetch-site": "same-site" } })).toBe(401);

  // A revocation ends every token, link and cookie; the pod hears of it at the latest within a minute, and here by a question.
  await atlas.revokeToken(id);
  await expect
    .poll(async () => [await statusOf(pod, bearer(mintToken().token)), await statusOf(pod, fromPage)], {
      timeout: 10_000,
    })
    .toEqual([401, 401]);
  expect([await statusOf(pod, bearer(second)), await statusOf(link.url)]).toEqual([401, 401]);

  // A cron calls every minute. Ada closes the tab, and the cron ends her idle pod; a caller without the secret ends nothing.
  const reap = async (): Promise<unknown> => (await fetch(`${url}/internal/reap`, bearer(SECRET))).json();
  application.putForward(60);
  expect(await reap()).toMatchObject({ terminated: [], failed: [] });
  expect(await statusOf(`${url}/internal/reap`, bearer("guessed"))).toBe(401);
  const reapLater = (): Promise<unknown> => {
    application.putForward(601);
    return reap();
  };
  // The last heartbeat may still be on its way at the first advance of the clock.
  await expect.poll(reapLater, { timeout: 10_000 }).toMatchObject({
    terminated: [{ computeId: id, reason: "idle" }],
    failed: [],
  });
  await waitForEvent(events, '"status":"terminated"');
  expect((await events.next()).done).toBe(true);
  expect(await statusOf(pod, bearer(token))).toBe(0);
  expect(await statusOf(`${url}/internal/verify`, verify(token, SECRET))).toBe(401);
});
