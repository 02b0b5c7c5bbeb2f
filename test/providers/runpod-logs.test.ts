import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallContext } from "../../src/call-context.ts";
import { AtlasError } from "../../src/errors.ts";
import type { Instance, LogLine } from "../../src/provider.ts";
import { type RunpodProvider, runpod } from "../../src/providers/runpod/index.ts";
import { leapingClock } from "../fakes/clock.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import { type ServedFake, serveFake } from "../fakes/serve.ts";
import { gpuPlacement } from "./runpod-subject.ts";

const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };

let fake: FakeRunpod;
let served: ServedFake;
let provider: RunpodProvider;
let pod: Instance;

beforeEach(async () => {
  const clock = leapingClock();
  fake = fakeRunpod({ clock });
  served = await serveFake(fake.handler);
  provider = runpod({ apiKey: fake.apiKey, clock, baseUrl: `${served.url}/v2` });
  const [candidate] = await provider.candidates(gpuPlacement, context);
  if (candidate === undefined) throw new Error("there is no candidate");
  const request = { ...gpuPlacement, candidate, name: "atlas-l-1", owner: "owner", env: {} };
  pod = await provider.create(request, context);
});

afterEach(async () => {
  await served.close();
  expect(fake.contract?.violations ?? []).toEqual([]);
});

const read = (tail: number, follow: boolean, within = context): AsyncIterator<LogLine> =>
  provider.logs(pod, { tail, follow }, within)[Symbol.asyncIterator]();

async function all(lines: AsyncIterator<LogLine>): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let next = await lines.next(); !next.done; next = await lines.next()) texts.push(next.value.line);
  return texts;
}

describe("the logs of a pod", () => {
  it("say whose line it is, and when it was written", async () => {
    fake.log(pod.providerId, "pulling image", "system");
    const { value } = await read(1, false).next();
    expect(value).toEqual({ line: "pulling image", source: "system", at: new Date("2026-11-20T12:00:00Z") });
  });

  it("that do not follow end when nothing more comes, though RunPod keeps the stream open", async () => {
    fake.log(pod.providerId, "one");
    fake.log(pod.providerId, "two");
    expect(await all(read(100, false))).toEqual(["one", "two"]);
  });

  it("of nothing are read without a request", async () => {
    const before = fake.requests.length;
    expect(await all(read(0, false))).toEqual([]);
    expect(fake.requests.slice(before).filter((request) => request.endsWith("/logs"))).toEqual([]);
  });

  it("that follow go on after a connection that broke, without a line lost or repeated", async () => {
    for (const line of ["one", "two"]) fake.log(pod.providerId, line);
    const lines = read(1, true);
    expect((await lines.next()).value).toMatchObject({ line: "two" });
    const next = lines.next();
    fake.cutStreams();
    fake.log(pod.providerId, "three");
    expect((await next).value).toMatchObject({ line: "three" });
    fake.log(pod.providerId, "four");
    expect((await lines.next()).value).toMatchObject({ line: "four" });
    const end = lines.next();
    await provider.terminate(pod, context);
    expect((await end).done).toBe(true);
  });

  it("that follow outlast refusals that pass, and throw the others", async () => {
    fake.log(pod.providerId, "one");
    fake.fault("logs", "unavailable-html", 6);
    const lines = read(10, true);
    expect((await lines.next()).value).toMatchObject({ line: "one" });
    fake.fault("logs", "bad-key");
    const rest = all(lines);
    fake.cutStreams();
    await expect(rest).rejects.toMatchObject({ code: "AUTH_ERROR" });
  });

  it("end with the caller's signal", async () => {
    const caller = new AbortController();
    const reading = all(read(10, true, { ...context, signal: caller.signal }));
    caller.abort();
    await expect(reading).rejects.toBeInstanceOf(AtlasError);
  });

  it("show a line in an unknown form as it is", async () => {
    const odd = runpod({
      apiKey: fake.apiKey,
      fetch: async (input) =>
        new Request(input).url.includes("/logs")
          ? new Response('data: not json\n\ndata: {"line":"fine"}\n\n', {
              headers: { "content-type": "text/event-stream" },
            })
          : Response.json({ id: "x", name: "x", status: "RUNNING" }),
    });
    const lines: LogLine[] = [];
    for await (const line of odd.logs({ name: "x", providerId: "x" }, { tail: 10, follow: false }, context))
      lines.push(line);
    expect(lines).toEqual([
      { line: "not json", source: "container" },
      { line: "fine", source: "container" },
    ]);
  });
});
