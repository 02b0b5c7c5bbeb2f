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

  it("waits for the result in mode sync, and answers a job that takes longer as it stands", async () => {
    expect(await jobs.runJob({ ...JOB, mode: "sync" }, context)).toMatchObject({ status: "completed" });
    script({ workSeconds: 500 });
    expect(await jobs.runJob({ ...JOB, mode: "sync", waitSeconds: 10 }, context)).toMatchObject({
      status: "in_progress",
    });
    expect(fake.requests).toEqual(["POST /v2/ep1/runsync", "POST /v2/ep1/runsync"]);
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
    ["waitSeconds", { waitSeconds: 301 }],
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
    expect(await jobs.runJob({ ...JOB, input, mode: "sync" }, context)).toMatchObject({
      status: "completed",
    });
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
    const done = await jobs.runJob({ ...JOB, mode: "sync" }, context);
    expect(await jobs.cancelJob(done, context)).toMatchObject({ status: "completed" });
  });

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
    ["in an object with the status", { bareStream: false, keepsPieces: false }],
    ["bare", { bareStream: true, keepsPieces: false }],
  ])("yields every piece once and ends with the job, pieces %s", async (_, shape) => {
    script({ pieces, ...shape });
    expect(await stream(await jobs.runJob(JOB, context))).toEqual(pieces);
  });

  it.each([true, false])(
    "ends after a finished job's pieces, also when they are shown again (%s)",
    async (keepsPieces) => {
      script({ pieces, keepsPieces });
      const job = await jobs.runJob({ ...JOB, mode: "sync" }, context);
      expect(await stream(job)).toEqual(pieces);
    },
  );

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
