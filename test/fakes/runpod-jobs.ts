/** The serverless half of the fake of RunPod: the queue of one endpoint, which follows the clock. */
import type { Clock } from "../../src/clock.ts";
import type { Json } from "./specs.ts";

/** The script of the next jobs. */
export interface JobScript {
  /** Seconds in the queue. */
  readonly queueSeconds: number;
  /** Seconds of work. */
  readonly workSeconds: number;
  /** Its end. */
  readonly ends: "COMPLETED" | "FAILED" | "TIMED_OUT";
  /** Its output while it works, evenly spread. */
  readonly pieces: readonly unknown[];
  /** True when `/stream` answers the pieces alone, as documented; false for an object with the status. */
  readonly bareStream: boolean;
  /** The most pieces that a read of the stream takes out. */
  readonly mostPieces: number;
}

interface FakeJob {
  readonly id: string;
  readonly body: Json;
  readonly script: JobScript;
  readonly createdAt: number;
  cancelled: boolean;
  streamed: number;
}

/** The endpoints. */
export class FakeEndpoints {
  readonly jobs: FakeJob[] = [];
  script: JobScript = {
    queueSeconds: 1,
    workSeconds: 4,
    ends: "COMPLETED",
    pieces: [],
    bareStream: false,
    mostPieces: Number.POSITIVE_INFINITY,
  };
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Answers `POST /v2/<endpoint>/run` and the like. */
  async answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [, , endpoint, operation, id] = url.pathname.split("/");
    if (endpoint === "missing") return new Response("endpoint not found", { status: 404 });
    if (operation === "health") return Response.json(this.#health());
    if (operation === "run" || operation === "runsync") return this.#run(request, operation, url);
    const job = this.jobs.find((candidate) => candidate.id === id);
    if (job === undefined) return Response.json({ error: "request does not exist" }, { status: 404 });
    if (operation === "cancel") job.cancelled = this.#statusOf(job).startsWith("IN_") || job.cancelled;
    return operation === "stream" ? this.#stream(job) : Response.json(this.#toWire(job));
  }

  async #run(request: Request, operation: string, url: URL): Promise<Response> {
    const body = (await request.json()) as Json;
    if (body.input === undefined) return Response.json({ error: "input is required" }, { status: 400 });
    const id = `job-${this.jobs.length + 1}-u1`;
    const job: FakeJob = {
      id,
      body,
      script: this.script,
      createdAt: this.#now(),
      cancelled: false,
      streamed: 0,
    };
    this.jobs.push(job);
    if (operation === "run") return Response.json({ id, status: "IN_QUEUE" });
    const { queueSeconds, workSeconds } = job.script;
    await this.#clock.sleep(
      Math.min(Number(url.searchParams.get("wait") ?? 90_000), (queueSeconds + workSeconds) * 1000),
    );
    return Response.json(this.#toWire(job));
  }

  #stream(job: FakeJob): Response {
    const { pieces, bareStream, mostPieces } = job.script;
    const ready = Math.floor(this.#progress(job) * pieces.length);
    const upTo = Math.min(ready, job.streamed + mostPieces);
    const items = pieces.slice(job.streamed, upTo).map((output) => ({ output, metrics: {} }));
    job.streamed = upTo;
    return Response.json(bareStream ? items : { status: this.#statusOf(job), stream: items });
  }

  #progress({ createdAt, script }: FakeJob): number {
    const worked = (this.#now() - createdAt) / 1000 - script.queueSeconds;
    return Math.min(1, Math.max(0, worked / script.workSeconds));
  }

  #statusOf(job: FakeJob): string {
    if (job.cancelled) return "CANCELLED";
    const age = (this.#now() - job.createdAt) / 1000;
    if (age < job.script.queueSeconds) return "IN_QUEUE";
    return this.#progress(job) < 1 ? "IN_PROGRESS" : job.script.ends;
  }

  #toWire(job: FakeJob): Json {
    const status = this.#statusOf(job);
    const { queueSeconds, workSeconds } = job.script;
    const times = { delayTime: queueSeconds * 1000, executionTime: workSeconds * 1000 };
    if (status === "COMPLETED") return { id: job.id, status, output: { echo: job.body.input }, ...times };
    if (status === "FAILED") return { id: job.id, status, error: "CUDA out of memory", ...times };
    return { id: job.id, status };
  }

  #health(): Json {
    const count = (status: string): number =>
      this.jobs.filter((job) => this.#statusOf(job) === status).length;
    const jobs = {
      completed: count("COMPLETED"),
      failed: count("FAILED"),
      inProgress: count("IN_PROGRESS"),
      inQueue: count("IN_QUEUE"),
      retried: 0,
    };
    return { jobs, workers: { idle: 1, running: jobs.inProgress, throttled: 0 } };
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
