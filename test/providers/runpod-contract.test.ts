import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import type { CallContext } from "../../src/call-context.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import {
  cpuCatalogueSchema,
  gpuCatalogueSchema,
  podPageSchema,
  podSchema,
} from "../../src/providers/runpod/wire.ts";
import { leapingClock } from "../fakes/clock.ts";
import { createContract } from "../fakes/contract.ts";
import { missingFields } from "../fakes/contract-fields.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import { runpodContract } from "../fakes/runpod-contract.ts";
import { howToGetSpecs, loadSpec } from "../fakes/specs.ts";
import { cpuPlacement, gpuPlacement } from "./runpod-subject.ts";

const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };
const spec = loadSpec("runpod-v2.openapi.json");
const title = spec === undefined ? `RunPod's specification (${howToGetSpecs})` : "RunPod's specification";

const EVERYTHING = {
  regions: ["US-KS-2"],
  command: ["serve"],
  volumeGb: 40,
  volumePath: "/data",
  diskGb: 80,
  memoryGb: 64,
  cpus: 8,
  options: {
    registryId: "reg-1",
    templateId: "tpl-1",
    entrypoint: ["/bin/run"],
    allowedCudaVersions: ["12.8"],
    startSsh: true,
    startJupyter: true,
    globalNetworking: true,
  },
};

/** Makes the adapter send everything it can send. */
async function useEverything(fake: FakeRunpod): Promise<void> {
  const clock = leapingClock();
  const provider = runpod({ apiKey: fake.apiKey, fetch: fake.fetch, clock });
  const wishes = [
    { ...gpuPlacement, ...EVERYTHING },
    {
      ...gpuPlacement,
      networkVolumeId: "vol-1",
      options: { minCudaVersion: "12.4", dataCenterIds: ["US-TX-3"] },
    },
    { ...gpuPlacement, options: { cloud: "ANY" } },
    cpuPlacement,
  ];
  for (const [index, placement] of wishes.entries())
    for (const candidate of await provider.candidates(placement, context)) {
      const env = { ATLAS_OWNER: "owner", MODEL: "llama" };
      await provider.create(
        { ...placement, candidate, name: `atlas-c-${index}`, owner: "owner", env },
        context,
      );
    }
  const [reference] = await provider.list({ namePrefix: "atlas-c-" }, context);
  if (reference === undefined) throw new Error("nothing is listed");
  fake.log(reference.providerId, "hello");
  for await (const line of provider.logs(reference, { tail: 1, follow: false }, context))
    expect(line.line).toBe("hello");
  fake.setStatus(reference.providerId, "RUNNING");
  await provider.stop(reference, context);
  await provider.start(reference, context);
  fake.setStatus(reference.providerId, "RUNNING");
  await provider.restart(reference, context);
  await provider.listGpuTypes(context);
  await provider.get(reference, context);
  await provider.terminate(reference, context);
}

describe.skipIf(spec === undefined)(title, () => {
  it("has every request the adapter can make, and every answer of the fake", async () => {
    const fake = fakeRunpod({ clock: leapingClock(), pageSize: 2 });
    await useEverything(fake);
    expect(fake.contract?.violations).toEqual([]);
    expect(fake.contract?.operations).toEqual(
      new Set([
        "DELETE /v2/pods/{id}",
        "GET /v2/catalog/cpus",
        "GET /v2/catalog/gpus",
        "GET /v2/pods",
        "GET /v2/pods/{id}",
        "GET /v2/pods/{id}/logs",
        "POST /v2/pods",
        "POST /v2/pods/{id}/action",
      ]),
    );
  });

  it.each([
    ["POST /v2/pods", podSchema],
    ["GET /v2/pods/{id}", podSchema],
    ["GET /v2/pods", podPageSchema],
    ["GET /v2/catalog/gpus", gpuCatalogueSchema],
    ["GET /v2/catalog/cpus", cpuCatalogueSchema],
  ])("has every field that the adapter reads from %s", (operation, schema) => {
    const contract = runpodContract();
    if (contract === undefined) throw new Error(howToGetSpecs);
    expect(missingFields(contract, operation, schema)).toEqual([]);
  });

  it("has no field outside of the specification", () => {
    const contract = runpodContract();
    if (contract === undefined) throw new Error(howToGetSpecs);
    const wishful = z.looseObject({
      id: z.string(),
      machine: z.object({ gpuTypeId: z.string() }),
      gpu: z.nullish(z.object({ model: z.string() })),
      runtime: z.nullish(z.object({ ports: z.array(z.object({ isIpPublic: z.boolean() })) })),
    });
    expect(missingFields(contract, "GET /v2/pods/{id}", wishful)).toEqual([
      "machine",
      "gpu.model",
      "runtime.ports[].isIpPublic",
    ]);
  });

  it("needs its patch: the published file of 2026-08-20 has no pages", () => {
    const unpatched = createContract({ spec: spec ?? {} });
    const hasPages = missingFields(unpatched, "GET /v2/pods", podPageSchema).length === 0;
    const patched = runpodContract();
    expect(patched && missingFields(patched, "GET /v2/pods", podPageSchema)).toEqual([]);
    if (!hasPages) expect(missingFields(unpatched, "GET /v2/pods", podPageSchema)).toEqual(["pagination"]);
  });

  it.each([
    ["an unknown key", "POST", "/v2/pods", { name: "x", image: "y", gpuTypeIds: ["z"] }, /unevaluated/],
    [
      "env as a list",
      "POST",
      "/v2/pods",
      { name: "x", image: "y", env: [{ key: "a", value: "b" }] },
      /env must be object/,
    ],
    [
      "an unknown cloud",
      "POST",
      "/v2/pods",
      { name: "x", image: "y", cloud: "ALL" },
      /cloud must be equal to one of/,
    ],
    ["a query outside of the specification", "GET", "/v2/pods?name=x", undefined, /the query has name/],
    ["a limit that is no number", "GET", "/v2/pods?limit=many", undefined, /query limit/],
    ["an operation that is not there", "PUT", "/v2/pods", { name: "x" }, /no such operation/],
  ])("catches %s", async (_, method, path, body, problem) => {
    const contract = runpodContract();
    const handler = contract?.wrap(() => new Response(null, { status: 204 }));
    await handler?.(
      new Request(`https://api.runpod.io${path}`, {
        method,
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    );
    const inRequest = (contract?.violations ?? []).filter(({ where }) => where === "request");
    expect(inRequest.map((violation) => violation.problem).join()).toMatch(problem);
  });

  it("catches an answer that lacks what is required", async () => {
    const contract = runpodContract();
    await contract?.wrap(() => Response.json({ id: "x" }))(new Request("https://api.runpod.io/v2/pods/x"));
    expect(contract?.violations[0]).toMatchObject({ operation: "GET /v2/pods/{id}", where: "answer" });
    expect(contract?.violations[0]?.problem).toMatch(/must have required property 'status'/);
  });
});
