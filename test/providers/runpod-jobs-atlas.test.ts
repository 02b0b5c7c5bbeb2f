import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Atlas, createAtlas } from "../../src/atlas.ts";
import type { AtlasJob, RunJobRequest } from "../../src/index.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import { failureOf } from "../support/failure-of.ts";

let clock: ManualClock;
let fake: FakeRunpod;
let atlas: Atlas;

beforeEach(async () => {
  clock = manualClock();
  fake = fakeRunpod({ clock });
  atlas = createAtlas({ providers: [runpod({ apiKey: fake.apiKey, fetch: fake.fetch, clock })], clock });
  // Loads everything that a first request needs, so that the clock does not run ahead of it.
  await atlas.jobHealth({ endpoint: "ep1" });
});

function settled(job: RunJobRequest): Promise<AtlasJob> {
  return clock.settle(atlas.runJob(job));
}

describe("a client's job", () => {
  it("waits for the result in mode sync", async () => {
    const job = await settled({ provider: "runpod", endpoint: "ep1", input: 1, mode: "sync" });
    expect(job).toMatchObject({ status: "completed", output: { echo: 1 } });
  });

  it("waits for a job longer than any request may take, and answers one that takes longer as it stands", async () => {
    fake.endpoints.script = { ...fake.endpoints.script, workSeconds: 400 };
    const job = { endpoint: "ep1", input: 1, mode: "sync" } as const;
    expect(await settled({ ...job, waitSeconds: 600 })).toMatchObject({ status: "completed" });
    expect(await settled({ ...job, waitSeconds: 10 })).toMatchObject({
      id: "job-2-u1",
      status: "in_progress",
    });
  });

  it("keeps a job's id although looks at it fail, and runs it once", async () => {
    const running = atlas.runJob({ endpoint: "ep1", input: 1, mode: "sync" });
    await vi.waitFor(() => expect(fake.endpoints.jobs).toHaveLength(1));
    fake.fault("job", "error-before", 12);
    expect(await clock.settle(running)).toMatchObject({ id: "job-1-u1", status: "completed" });
    expect(fake.endpoints.jobs).toHaveLength(1);
  });

  it.each(["error-after", "connection-after", "unreadable-after"] as const)(
    "says that a job may run whose start had no answer (%s), and starts no second one",
    async (fault) => {
      fake.fault("job", fault);
      const error = await failureOf(settled({ endpoint: "ep1", input: 1, mode: "sync" }));
      expect(error).toMatchObject({ mayHaveCreated: true, retryable: false });
      expect(error.message).toContain("the job may run nevertheless");
      expect(fake.endpoints.jobs).toHaveLength(1);
    },
  );

  it("tells a caller that gives up waiting the job's id", async () => {
    const leaving = new AbortController();
    fake.endpoints.script = { ...fake.endpoints.script, workSeconds: 10_000 };
    const job = {
      endpoint: "ep1",
      input: 1,
      mode: "sync",
      waitSeconds: 9000,
      signal: leaving.signal,
    } as const;
    const running = failureOf(atlas.runJob(job));
    await vi.waitFor(() => expect(fake.endpoints.jobs).toHaveLength(1));
    await clock.advance(5);
    expect(fake.requests).toContain("GET /v2/ep1/status/job-1-u1");
    leaving.abort();
    expect(await running).toMatchObject({
      code: "TIMEOUT",
      retryable: false,
      providerId: "job-1-u1",
      details: { job: { id: "job-1-u1", endpoint: "ep1" } },
    });
    const early = await failureOf(atlas.runJob(job));
    expect(early).toMatchObject({ code: "TIMEOUT", mayHaveCreated: false });
    expect(fake.endpoints.jobs).toHaveLength(1);
  });
});
