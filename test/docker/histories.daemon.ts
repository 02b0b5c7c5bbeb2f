import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isAtlasError } from "../../src/errors.ts";
import { docker } from "../../src/providers/docker/index.ts";
import { TestDaemon } from "./daemon.ts";
import { daemonSocket } from "./socket.ts";
import { createRequest, devices, quietContext } from "./subject.ts";

const daemon = new TestDaemon(daemonSocket());
const provider = docker({ daemon: `unix://${daemon.socket}`, devices });
const context = quietContext();

/** One call on one of three names. */
type Step =
  | { readonly call: "create"; readonly which: number; readonly gpus: number }
  | { readonly call: "stop" | "start" | "terminate" | "exit"; readonly which: number };

/** The model: the state of each name, and its number of GPUs. */
interface Modelled {
  readonly status: "running" | "stopped" | "failed";
  readonly gpus: number;
}

const NAMES = ["atlas-default-one", "atlas-default-two", "atlas-default-three"];
const GPUS = 2;
const which = fc.nat(NAMES.length - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ call: fc.constant("create" as const), which, gpus: fc.nat(GPUS) }),
  fc.record({
    call: fc.constantFrom("stop" as const, "start" as const, "terminate" as const, "exit" as const),
    which,
  }),
);

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "done",
    (error: unknown) => (isAtlasError(error) ? error.code : String(error)),
  );
}

/** Carries a step out on the model, and tells the outcome that the provider must have. */
function expected(model: Map<string, Modelled>, step: Step): string {
  const name = NAMES[step.which] ?? "";
  const present = model.get(name);
  if (step.call === "create") {
    if (present !== undefined) return "done";
    const used = [...model.values()].reduce((sum, { gpus }) => sum + gpus, 0);
    if (step.gpus > 0 && used + step.gpus > GPUS) return "CAPACITY";
    model.set(name, { status: "running", gpus: step.gpus });
    return "done";
  }
  if (step.call === "terminate") {
    model.delete(name);
    return "done";
  }
  if (present === undefined) return "NOT_FOUND";
  if (step.call === "exit") {
    if (present.status === "running") model.set(name, { ...present, status: "failed" });
    return "done";
  }
  model.set(name, { ...present, status: step.call === "stop" ? "stopped" : "running" });
  return "done";
}

async function carryOut(step: Step): Promise<string> {
  const name = NAMES[step.which] ?? "";
  if (step.call === "create") {
    const candidate = step.gpus === 0 ? {} : { gpu: "l4" };
    const gpus = { gpus: step.gpus === 0 ? [] : ["l4"], gpuCount: Math.max(step.gpus, 1), candidate };
    return codeOf(provider.create(createRequest(gpus, name), context));
  }
  if (step.call === "exit") return killProgram(name);
  return codeOf(provider[step.call]({ name }, context));
}

async function killProgram(name: string): Promise<string> {
  const { status } = await daemon.ask(`/containers/${name}/kill?signal=KILL`, "POST");
  await daemon.ask(`/containers/${name}/wait`, "POST");
  return status === 404 ? "NOT_FOUND" : "done";
}

async function seen(): Promise<Readonly<Record<string, unknown>>> {
  await sleep(50);
  const instances = await provider.list({ namePrefix: "atlas-" }, context);
  return Object.fromEntries(instances.map(({ name, status, gpuCount }) => [name, [status, gpuCount ?? 0]]));
}

beforeAll(() => daemon.clear());
afterAll(() => daemon.clear());

test("random histories of creates, stops, starts, exits and ends go as the model says", async () => {
  const history = fc.array(steps, { minLength: 6, maxLength: 16, size: "max" });
  await fc.assert(
    fc.asyncProperty(history, async (all) => {
      await daemon.clear();
      const model = new Map<string, Modelled>();
      for (const step of all) {
        const outcome = expected(model, step);
        expect([step, await carryOut(step)]).toEqual([step, outcome]);
        expect(await seen()).toEqual(
          Object.fromEntries([...model].map(([name, { status, gpus }]) => [name, [status, gpus]])),
        );
      }
      expect(await daemon.containers()).toHaveLength(model.size);
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 300_000);
