/** The provider of a run: the fake of RunPod over HTTP, in a process of its own, with its faults and its memory of what was asked. */

import { systemClock } from "../../src/clock.ts";
import { fakeRunpod } from "../fakes/runpod.ts";
import { never } from "../fakes/runpod-faults.ts";
import { serveFake } from "../fakes/serve.ts";
import { fastClock } from "./fast-time.ts";
import { type ChaosFault, faultFor } from "./faults.ts";
import { LateWork } from "./late-work.ts";
import type { EndReport, ProviderMessage, ProviderReport, ProviderRequest } from "./messages.ts";
import { PeakWatch, userOf } from "./peak-watch.ts";
import { Incidents } from "./pod-incidents.ts";
import { Random } from "./random.ts";
import {
  ELSEWHERE,
  LATE_SECONDS,
  PROVIDER,
  type ProviderSettings,
  SLOW_SECONDS,
  TOO_LATE_SECONDS,
} from "./settings.ts";
import { addStrangers } from "./strangers.ts";

const { seed, apiKey, time }: ProviderSettings = JSON.parse(process.argv[2] ?? "");

/** After the healing everything is long ago, so that no lag is left. */
const LONG_SECONDS = 3600;
/** What a killed process has sent arrives within this time. */
const QUIET_MILLISECONDS = 200;
let ahead = 0;
const clock = fastClock(time, () => ahead);
const fake = fakeRunpod({ ...PROVIDER, clock, apiKey });
/** Another account, without any pod. */
const elsewhere = fakeRunpod({ ...PROVIDER, clock, apiKey });
const begunAt = clock.now().getTime();
const strangers = await addStrangers(fake);
const incidents = new Incidents(fake, clock, seed);
const peaks = new PeakWatch(fake, ({ id, body }) => !strangers.has(id) && !tooLate.has(body.name));
const faults: Partial<Record<ChaosFault | "elsewhere", number>> = {};
const ends: EndReport[] = [];
const late = new LateWork(clock);
/** The names of pods whose create takes effect after the time in which it may. */
const tooLate = new Set<string>();
/** With their requests: a request that nobody holds is collected, and its signal never aborts. */
const underWay = new Map<Promise<Response>, Request>();
let requests = 0;
let isHealed = false;

const OPERATIONS = [
  ["POST", /^\/v2\/pods$/, "create"],
  ["GET", /^\/v2\/pods$/, "list"],
  ["GET", /^\/v2\/pods\/[^/]+$/, "get"],
  ["DELETE", /^\/v2\/pods\/[^/]+$/, "terminate"],
  ["GET", /^\/v2\/catalog\/gpus$/, "gpus"],
  ["GET", /^\/v2\/catalog\/cpus$/, "cpus"],
] as const;

function track(request: Request): Promise<Response> {
  const answer = handle(request);
  underWay.set(answer, request);
  void answer.catch(() => undefined).then(() => underWay.delete(answer));
  return answer;
}

/** What is taken away is taken away in the very call of the fake, so a look just before it misses no peak. */
async function handle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const operation = OPERATIONS.find(
    ([method, path]) => method === request.method && path.test(pathname),
  )?.[2];
  requests += 1;
  const number = requests;
  const random = new Random(seed, "latency", number);
  await clock.sleep(isHealed ? 0 : random.below(400));
  incidents.happen();
  peaks.look();
  if (operation === "terminate") ends.push(toEnd(request));
  const fault = operation === undefined || isHealed ? undefined : faultFor(seed, number, operation);
  if (operation !== undefined && ASKED_ELSEWHERE.has(operation) && isElsewhere()) {
    faults.elsewhere = (faults.elsewhere ?? 0) + 1;
    return elsewhere.bare(request);
  }
  if (fault === undefined || operation === undefined) return fake.bare(request);
  faults[fault] = (faults[fault] ?? 0) + 1;
  if (fault === "late" || fault === "too-late") return answerLate(request, fault);
  if (fault === "slow") await clock.sleep(SLOW_SECONDS * 1000);
  else fake.fault(operation, fault);
  return fake.bare(request);
}

const ASKED_ELSEWHERE: ReadonlySet<string> = new Set(["get", "list", "terminate"]);

function isElsewhere(): boolean {
  const seconds = (clock.now().getTime() - begunAt) / 1000 - ELSEWHERE.firstSeconds;
  return !isHealed && seconds >= 0 && seconds % ELSEWHERE.everySeconds < ELSEWHERE.forSeconds;
}

/** Gives no answer, and does the work all the same, later. */
async function answerLate(request: Request, fault: "late" | "too-late"): Promise<Response> {
  const { url, method, headers } = request;
  const body = await request.text();
  if (fault === "too-late") tooLate.add(JSON.parse(body).name);
  const copy = new Request(url, { method, headers, body });
  late.putOff(async () => fake.bare(copy), fault === "late" ? LATE_SECONDS : TOO_LATE_SECONDS);
  return never(request);
}

function toEnd({ url, headers }: Request): EndReport {
  return {
    podId: new URL(url).pathname.split("/").at(-1) ?? "",
    worker: headers.get("x-chaos-worker") ?? "",
    call: headers.get("x-chaos-call") ?? "",
    lease: headers.get("x-chaos-lease") ?? "",
  };
}

/** Nobody asks any more. What was asked before takes its effect, first of all. */
async function heal(): Promise<void> {
  isHealed = true;
  do {
    await Promise.allSettled([...underWay.keys(), late.doAll()]);
    await systemClock.sleep(QUIET_MILLISECONDS);
  } while (underWay.size > 0);
  ahead = LONG_SECONDS;
}

function toReport(): ProviderReport {
  peaks.look();
  const pods = fake.pods.map((pod) => ({
    id: pod.id,
    name: pod.body.name,
    userId: userOf(pod),
    isAlive: fake.statusOf(pod) !== "TERMINATED",
    isStranger: strangers.has(pod.id),
    hasVanished: incidents.vanished.has(pod.id),
    env: pod.body.env ?? {},
  }));
  return { requests, faults, pods, ends, peaks: peaks.peaks };
}

function tell(message: ProviderMessage): void {
  process.send?.(message);
}

process.on("disconnect", () => process.exit());
process.on("message", async (request: ProviderRequest) => {
  if (request === "report") return tell({ kind: "report", report: toReport() });
  await heal();
  tell({ kind: "healed" });
});

const { url } = await serveFake(track);
tell({ kind: "listening", url });
