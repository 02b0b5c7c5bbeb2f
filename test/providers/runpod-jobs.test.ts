import { beforeEach, describe, expect, it } from "vitest";
import type { CallContext } from "../../src/call-context.ts";
import type { JobReference, JobRequest, JobRunner } from "../../src/job-runner.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { type LeapingClock, leapingClock } from "../fakes/clock.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import type { JobScript } from "../fakes/runpod-jobs.ts";
import { failureOf } from "../support/failure-of.ts";

const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };
const JOB: JobRequest = { endpoint: "ep1", input: { prompt: "hi" } };

let clock: LeapingClock;
let fake: FakeRunpod;
let jobs: JobRunner;

beforeEach(() => {
  clock = leapingClock();
  fake = fakeRunpod({ clock });
  jobs = runpod({ apiKey: fake.apiKey, fetch: fake.fetch, clock }).jobs;
});

function script(facts: Partial<JobScript>): void {
  fake.endpoints.script = { ...fake.endpoints.script, ...facts };
}

async function stream(reference: JobReference): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for await (const item of jobs.streamJob(reference, context)) items.push(item);
  return items;
}

describe("runJob", () => {
  it("puts a job into the queue, which goes its way from there", async () => {
    const job = await jobs.runJob(JOB, context);
    expect(job).toEqual({ endpoint: "ep1", id: "job-1-u1", status: "in_queue" });
    clock.advance(2000);
    expect(await jobs.getJob(job, context)).toMatchObject({ status: "in_progress" });
    clock.advance(5000);
    expect(await jobs.getJob(job, context)).toEqual({
      endpoint: "ep1",
      id: "job-1-u1",
      status: "completed",
      output: { echo: { prompt: "hi" } },
      delaySeconds: 1,
      executionSeconds: 4,
    });
  });

  it("resolves with the id at once in mode sync too, so that no wait can lose it", async () => {
    expect(await jobs.runJob({ ...JOB, mode: "sync", waitSeconds: 300 }, context)).toMatchObject({
      id: "job-1-u1",
      status: "in_queue",
    });
    expect(fake.requests).toEqual(["POST /v2/ep1/run"]);
  });

  it("sends times in milliseconds, and the webhook", async () => {
    const policy = { executionTimeoutSeconds: 60, ttlSeconds: 3600, lowPriority: true };
    await jobs.runJob({ ...JOB, webhook: "https://me.test/hook", policy }, context);
    expect(fake.endpoints.jobs[0]?.body).toEqual({
      input: { prompt: "hi" },
      webhook: "https://me.test/hook",
      policy: { executionTimeout: 60_000, ttl: 3_600_000, lowPriority: true },
    });
  });

  it.each([
    ["mode", { mode: "stream" }],
    ["policy.executionTimeoutSeconds", { policy: { executionTimeoutSeconds: 1 } }],
    ["waitSeconds", { waitSeconds: 604_801 }],
    ["endpoint", { endpoint: "../pods" }],
    ["webhook", { webhook: "ftp://x" }],
    ["input", { input: undefined }],
    ["inputs", { inputs: 1 }],
  ])("refuses a request whose %s is not valid, naming it", async (field, wrong) => {
    const error = await failureOf(jobs.runJob({ ...JOB, ...wrong } as JobRequest, context));
    expect(error.code).toBe("VALIDATION");
    expect(error.message).toContain(`${field}: got`);
    expect(fake.requests).toEqual([]);
  });

  it("refuses a body that is larger than the mode takes", async () => {
    const input = "x".repeat(10_000_001);
    expect(await failureOf(jobs.runJob({ ...JOB, input }, context))).toMatchObject({ code: "VALIDATION" });
    const before = clock.now().getTime();
    expect(await jobs.runJob({ ...JOB, input, mode: "sync" }, context)).toMatchObject({ id: "job-1-u1" });
    expect(clock.now().getTime() - before).toBe(1000);
    expect(fake.requests).toEqual(["POST /v2/ep1/runsync"]);
  });

  it("is not repeated when its outcome is open", async () => {
    fake.fault("job", "error-after");
    expect(await failureOf(jobs.runJob(JOB, context))).toMatchObject({
      code: "PROVIDER",
      mayHaveCreated: true,
    });
    expect(fake.endpoints.jobs).toHaveLength(1);
  });

  it("of an endpoint that does not exist is NOT_FOUND", async () => {
    expect(await failureOf(jobs.runJob({ ...JOB, endpoint: "missing" }, context))).toMatchObject({
      code: "NOT_FOUND",
    });
  });
});

describe("getJob and cancelJob", () => {
  it("answer undefined and NOT_FOUND for a job that is not there any more", async () => {
    const gone = { endpoint: "ep1", id: "gone" };
    expect(await jobs.getJob(gone, context)).toBeUndefined();
    expect(await failureOf(jobs.cancelJob(gone, context))).toMatchObject({ code: "NOT_FOUND" });
  });

  it("cancel a job, and answer one that has ended as it ended", async () => {
    const job = await jobs.runJob(JOB, context);
    expect(await jobs.cancelJob(job, context)).toMatchObject({ status: "cancelled" });
    const done = await jobs.runJob(JOB, context);
    clock.advance(10_000);
    expect(await jobs.cancelJob(done, context)).toMatchObject({ status: "completed" });
  });

  it.each(["kong-404", "gateway-404"] as const)(
    "do not take a gateway's 404 (%s) for a job's end",
    async (fault) => {
      const job = await jobs.runJob(JOB, context);
      fake.fault("job", fault);
      expect(await failureOf(jobs.getJob(job, context))).toMatchObject({ code: "PROVIDER" });
    },
  );

  it.each([[{ endpoint: "..", id: "x" }], [{ endpoint: "ep1", id: ".." }], [{ endpoint: "ep1", id: "a/b" }]])(
    "send nothing for the address %j",
    async (address) => {
      expect(await failureOf(jobs.getJob(address, context))).toMatchObject({ code: "VALIDATION" });
      expect(fake.requests).toEqual([]);
    },
  );

  it("throw for an unknown status, and do not guess", async () => {
    const odd = runpod({ apiKey: "k", fetch: async () => Response.json({ id: "j", status: "PONDERING" }) });
    const error = await failureOf(odd.jobs.getJob({ endpoint: "e", id: "j" }, context));
    expect(error).toMatchObject({ code: "PROVIDER" });
    expect(error.message).toContain("PONDERING");
  });
});

describe("streamJob", () => {
  const pieces = ["a", "b", "c", "d"];

  it.each([
    ["in an object with the status", { bareStream: false }],
    ["bare", { bareStream: true }],
  ])("yields every piece once and ends with the job, pieces %s", async (_, shape) => {
    script({ pieces, ...shape });
    expect(await stream(await jobs.runJob(JOB, context))).toEqual(pieces);
  });

  it("yields equal pieces as often as the worker wrote them, also after the job's end", async () => {
    const laughter = ["ha ", "ha ", "ha ", "ha ", "ha ", "!"];
    script({ pieces: laughter, mostPieces: 1 });
    const job = await jobs.runJob(JOB, context);
    clock.advance(60_000);
    expect(await stream(job)).toEqual(laughter);
  });

  it.each(["error-after", "connection-after", "unreadable-after"] as const)(
    "throws, and names the job, when an answer with pieces is lost (%s)",
    async (fault) => {
      script({ pieces });
      const job = await jobs.runJob(JOB, context);
      clock.advance(60_000);
      fake.fault("job", fault);
      const error = await failureOf(stream(job));
      expect(error).toMatchObject({ retryable: false });
      expect(error.message).toContain("pieces of the output of job job-1-u1 may be lost");
      expect(error.mayHaveCreated).toBeUndefined();
    },
  );

  it("throws when a finished job's output never ends", async () => {
    const endless = runpod({
      apiKey: "k",
      clock,
      fetch: async (input) =>
        String(input instanceof Request ? input.url : input).includes("/stream/")
          ? Response.json([{ output: "again" }])
          : Response.json({ id: "j", status: "COMPLETED" }),
    });
    const reading = (async () => {
      for await (const _ of endless.jobs.streamJob({ endpoint: "e", id: "j" }, context));
    })();
    expect((await failureOf(reading)).message).toContain("does not end");
  });

  it.each([
    ["FAILED", "PROVIDER", /failed: CUDA out of memory/],
    ["TIMED_OUT", "TIMEOUT", /exceeded its time limit/],
  ] as const)("throws when the job is %s, after its pieces", async (ends, code, message) => {
    script({ pieces, ends });
    const job = await jobs.runJob(JOB, context);
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const item of jobs.streamJob(job, context)) seen.push(item);
    })();
    const error = await failureOf(reading);
    expect(error).toMatchObject({ code, retryable: false });
    expect(error.message).toMatch(message);
    expect(seen).toEqual(pieces);
  });

  it("throws when the job is cancelled, and for a job that is not there", async () => {
    const job = await jobs.runJob(JOB, context);
    await jobs.cancelJob(job, context);
    expect(await failureOf(stream(job))).toMatchObject({ code: "CONFLICT" });
    expect(await failureOf(stream({ endpoint: "ep1", id: "gone" }))).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("jobHealth", () => {
  it("counts jobs and workers", async () => {
    await jobs.runJob(JOB, context);
    expect(await jobs.jobHealth("ep1", context)).toEqual({
      jobs: { completed: 0, failed: 0, inProgress: 0, inQueue: 1, retried: 0 },
      workers: { idle: 1, running: 0, throttled: 0 },
    });
  });
});
