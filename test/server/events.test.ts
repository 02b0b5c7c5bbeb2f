import { createParser, type EventSourceMessage } from "eventsource-parser";
import { describe, expect, test } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import type { Store } from "../../src/store.ts";
import { intercept } from "../support/intercept.ts";
import { ada, jsonOf, type PlaneUnderTest, type Pod, planeUnderTest } from "./plane.ts";

/** A stream, read as a browser reads it. */
interface Reading {
  readonly response: Response;
  readonly messages: readonly EventSourceMessage[];
  readonly comments: readonly string[];
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>;
  leave(): Promise<void>;
}

async function read(
  plane: PlaneUnderTest,
  { compute }: Pod,
  options: { after?: string; signal?: AbortSignal } = {},
): Promise<Reading> {
  const { after, signal } = options;
  const headers = { ...ada, ...(after === undefined ? {} : { "last-event-id": after }) };
  const response = await plane.call("GET", `/computes/${compute.id}/events`, {
    headers,
    ...(signal === undefined ? {} : { signal }),
  });
  const [messages, comments]: [EventSourceMessage[], string[]] = [[], []];
  const parser = createParser({
    onEvent: (message) => messages.push(message),
    onComment: (comment) => comments.push(comment),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const drain = async (): Promise<void> => {
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
      parser.feed(part.value);
  };
  return { response, messages, comments, ended: drain(), leave: async () => reader?.cancel() };
}

async function report(plane: PlaneUnderTest, { compute }: Pod, status: string): Promise<void> {
  await plane.atlas.recordReport(compute.id, "status", { status });
  await plane.clock.advance(1);
}

const statusesOf = ({ messages }: Reading): unknown[] =>
  messages.filter(({ event }) => event === "report").map(({ data }) => JSON.parse(data).data.status);

describe("the events of a compute", () => {
  test("come from the beginning, numbered and named, and then as they happen", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const reading = await read(plane, pod);
    await report(plane, pod, "loading");
    await report(plane, pod, "ready");
    const [first] = reading.messages;
    expect(reading.response.headers.get("content-type")).toBe("text/event-stream");
    expect(first).toMatchObject({ event: "state", id: expect.stringMatching(/^[0-9]+$/) });
    expect(JSON.parse(first?.data ?? "")).toMatchObject({
      computeId: pod.compute.id,
      status: "pending",
      id: first?.id,
    });
    expect(statusesOf(reading)).toEqual(["loading", "ready"]);
    await reading.leave();
  });

  test("continue after the last one that the browser saw, without a loss or a duplicate", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const before = await read(plane, pod);
    await report(plane, pod, "one");
    await before.leave();
    await report(plane, pod, "two");
    const after = before.messages.at(-1)?.id ?? "";
    const resumed = await read(plane, pod, { after });
    await report(plane, pod, "three");
    expect([statusesOf(before), statusesOf(resumed)]).toEqual([["one"], ["two", "three"]]);
    await resumed.leave();
  });

  test("end with the compute, and a 204 stops a browser that reconnects", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const reading = await read(plane, pod);
    await plane.clock.settle(plane.atlas.terminate(pod.compute.id));
    await plane.clock.settle(reading.ended);
    const last = reading.messages.at(-1);
    expect(JSON.parse(last?.data ?? "")).toMatchObject({ status: "terminated", reason: "requested" });
    const again = await read(plane, pod, { after: last?.id ?? "" });
    expect(again.response.status).toBe(204);
    const fromTheBeginning = await read(plane, pod);
    await plane.clock.settle(fromTheBeginning.ended);
    expect(fromTheBeginning.messages.map(({ id, event }) => [id, event])).toEqual(
      reading.messages.map(({ id, event }) => [id, event]),
    );
  });

  test("tell a user that an operator acted, and not which one", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const reading = await read(plane, pod);
    const by = "operator:grace@studio.example";
    await plane.clock.settle(plane.atlas.terminate(pod.compute.id, { by }));
    await plane.clock.settle(reading.ended);
    const actors = reading.messages.flatMap(({ data }) => JSON.parse(data).data.by ?? []);
    expect(actors).toEqual(["operator"]);
    expect(JSON.stringify(reading.messages)).not.toContain("grace");
  });

  test("bring the compute along at a change of status, and none with an event of the past", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const reading = await read(plane, pod);
    await plane.clock.settle(plane.atlas.terminate(pod.compute.id));
    await plane.clock.settle(reading.ended);
    const shown = reading.messages.map(({ data }) => JSON.parse(data)).filter(({ compute }) => compute);
    expect(shown.length).toBeGreaterThan(0);
    for (const { status, compute } of shown)
      expect(compute).toMatchObject({ status, now: expect.any(String) });
  });

  test("contain a comment every 15 seconds, so that no proxy closes a quiet stream", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const reading = await read(plane, pod);
    await plane.clock.advance(46);
    expect(reading.comments).toEqual(["connected", "keep-alive", "keep-alive", "keep-alive"]);
    await reading.leave();
  });

  test("leave nothing running when the browser disconnects or aborts", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const gone = new AbortController();
    const readings = [await read(plane, pod), await read(plane, pod, { signal: gone.signal })];
    await plane.clock.advance(1);
    expect(plane.clock.sleeping).toBeGreaterThan(0);
    await readings[0]?.leave();
    gone.abort();
    await readings[1]?.ended;
    await plane.clock.advance(0);
    expect(plane.clock.sleeping).toBe(0);
  });

  test.each(["cancels the body", "aborts the request"])(
    "leave nothing running when a browser %s with an event that it has just read",
    async (act) => {
      const plane = planeUnderTest();
      const { compute } = await plane.spawn();
      const gone = new AbortController();
      const path = `/computes/${compute.id}/events`;
      const response = await plane.call("GET", path, { headers: ada, signal: gone.signal });
      const reader = response.body?.getReader();
      for (let frame = 0; frame < 2; frame += 1) await reader?.read();
      await plane.clock.advance(1);
      expect(plane.clock.sleeping).toBeGreaterThan(0);
      if (act === "cancels the body") await reader?.cancel();
      else gone.abort();
      await plane.clock.advance(0);
      expect(plane.clock.sleeping).toBe(0);
    },
  );

  test("do not start for a stream without a reader", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    await plane.call("GET", `/computes/${compute.id}/events`, { headers: ada });
    expect(plane.clock.sleeping).toBe(0);
  });

  test("break off after a quarter of an hour, so that the browser presents its credential again", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn("ada", { idleTimeoutSeconds: null });
    const reading = await read(plane, pod);
    await plane.clock.advance(915);
    await reading.ended;
    expect(plane.clock.sleeping).toBe(0);
  });

  test("break off when the store fails, and that is logged", async () => {
    let isDown = false;
    const through = (store: Store): Store =>
      intercept(store, ["events"], () => {
        if (isDown) throw new AtlasError("STORE_UNAVAILABLE", "the database does not answer");
      });
    const plane = planeUnderTest({}, through);
    const pod = await plane.spawn();
    const reading = await read(plane, pod);
    isDown = true;
    await report(plane, pod, "unseen");
    await plane.clock.settle(reading.ended);
    expect(plane.logged).toEqual([[expect.stringContaining("broke off"), { error: "STORE_UNAVAILABLE" }]]);
    expect(plane.clock.sleeping).toBe(0);
  });

  test.each(["x", "-1", "1; drop table", "1".repeat(20)])(
    "are refused behind %s, which is no event",
    async (after) => {
      const plane = planeUnderTest();
      const { compute } = await plane.spawn();
      const headers = { ...ada, "last-event-id": after };
      const response = await plane.call("GET", `/computes/${compute.id}/events`, { headers });
      expect([response.status, (await jsonOf(response)).code]).toEqual([422, "VALIDATION"]);
    },
  );

  test("are read no faster than the browser reads", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    for (let index = 0; index < 50; index += 1)
      await plane.atlas.recordReport(pod.compute.id, "status", { status: `${index}` });
    const { body } = await plane.call("GET", `/computes/${pod.compute.id}/events`, { headers: ada });
    const reader = body?.getReader();
    const chunks = [await reader?.read(), await reader?.read(), await reader?.read()];
    await plane.clock.advance(0);
    expect(
      chunks.map((chunk) => new TextDecoder().decode(chunk?.value).split("\n")[0]?.split(" ")[0]),
    ).toEqual([":", "id:", "id:"]);
    await reader?.cancel();
  });
});
