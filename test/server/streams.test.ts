import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { expect, test } from "vitest";
import { MAX_STREAMS_PER_USER } from "../../src/server/open-streams.ts";
import { ada, bob, jsonOf, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

async function openStreams(plane: PlaneUnderTest, id: string, count: number): Promise<readonly Response[]> {
  const responses: Response[] = [];
  for (let index = 0; index < count; index += 1)
    responses.push(await plane.call("GET", `/computes/${id}/events`, { headers: ada }));
  return responses;
}

test("a user has a bound on open event streams, which no other user notices", async () => {
  const plane = planeUnderTest();
  const [mine, other] = [await plane.spawn("ada"), await plane.spawn("bob")];
  const open = await openStreams(plane, mine.compute.id, MAX_STREAMS_PER_USER);
  expect(open.map(({ status }) => status)).toEqual(open.map(() => 200));
  const [refused] = await openStreams(plane, mine.compute.id, 1);
  expect([refused?.status, (await jsonOf(refused as Response)).code]).toEqual([429, "RATE_LIMIT"]);
  const ofBob = await plane.call("GET", `/computes/${other.compute.id}/events`, { headers: bob });
  expect(ofBob.status).toBe(200);
  await open[0]?.body?.cancel();
  expect((await openStreams(plane, mine.compute.id, 1))[0]?.status).toBe(200);
});

test("a user's spawns, changes and reads have a rate each", async () => {
  const plane = planeUnderTest({ request: () => ({}) });
  const statuses: number[] = [];
  for (let index = 0; index < 21; index += 1)
    statuses.push((await plane.call("POST", "/computes", { headers: ada })).status);
  expect(statuses).toEqual([...Array(20).fill(201), 429]);
  expect((await plane.call("POST", "/computes", { headers: bob })).status).toBe(201);
  expect((await plane.call("GET", "/computes", { headers: ada })).status).toBe(200);
});

test("a server with open event streams closes at once after closeStreams", async () => {
  const plane = planeUnderTest();
  const { compute } = await plane.spawn();
  const server = createAdaptorServer({ fetch: plane.handler });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/atlas/computes/${compute.id}/events`;
  const streams = await Promise.all([1, 2, 3].map(() => fetch(url, { headers: ada })));
  const texts = streams.map((stream) => stream.text());
  plane.handler.closeStreams();
  expect(await Promise.all(texts)).toEqual(texts.map(() => expect.stringContaining(": connected")));
  const late = await fetch(url, { headers: ada });
  expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);
  expect(await late.text()).toContain("retry: 2000");
  const closed = once(server, "close");
  server.close();
  await closed;
});
