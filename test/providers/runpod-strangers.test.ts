/** Answers of RunPod's API, and of the gateways in front of it, that no specification shows. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallContext } from "../../src/call-context.ts";
import type { CreateRequest, PlacementRequest } from "../../src/provider.ts";
import { type RunpodProvider, runpod } from "../../src/providers/runpod/index.ts";
import { type LeapingClock, leapingClock } from "../fakes/clock.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import { failureOf } from "../support/failure-of.ts";
import { gpuPlacement } from "./runpod-subject.ts";

const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };
const NAME = "atlas-default-0123456789abcdefghij";
const scope = { namePrefix: "atlas-default-" };

let clock: LeapingClock;
let fake: FakeRunpod;
let provider: RunpodProvider;

beforeEach(() => {
  clock = leapingClock();
  fake = fakeRunpod({ clock });
  provider = runpod({ apiKey: fake.apiKey, fetch: fake.fetch, clock });
});

afterEach(() => {
  expect(fake.contract?.violations ?? []).toEqual([]);
});

async function createRequest(
  wishes: Partial<PlacementRequest> = {},
  env: CreateRequest["env"] = { ATLAS_OWNER: "owner-1" },
): Promise<CreateRequest> {
  const placement = { ...gpuPlacement, ...wishes };
  const [candidate] = await provider.candidates(placement, context);
  if (candidate === undefined) throw new Error("there is no candidate");
  return { ...placement, candidate, name: NAME, owner: "owner-1", env };
}

describe("a list with pods of other programs", () => {
  it.each([
    ["no name", { id: "foreign1", name: null, status: "RUNNING" }],
    ["a price as text", { id: "foreign2", name: "theirs", status: "RUNNING", cost: "0.74" }],
    ["an environment as a list", { id: "foreign3", name: "theirs", status: "RUNNING", env: ["A=1"] }],
    ["no id and no status", { name: "theirs" }],
    ["ports as objects", { id: "foreign4", name: "theirs", status: "RUNNING", ports: [{ port: 1 }] }],
    ["an id that leads elsewhere", { id: "../x", name: "theirs", status: "RUNNING" }],
  ])("shows ours although another pod has %s", async (_, stranger) => {
    const created = await provider.create(await createRequest(), context);
    fake.addForeign(stranger);
    expect((await provider.list(scope, context)).map(({ providerId }) => providerId)).toEqual([
      created.providerId,
    ]);
    await provider.terminate({ name: NAME }, context);
    expect(await provider.list(scope, context)).toEqual([]);
  });

  it.each([
    ["a price as text", { id: "ours1", name: NAME, status: "RUNNING", cost: "0.74" }, "cost"],
    ["no status", { id: "ours2", name: NAME }, "status"],
    ["an id that leads elsewhere", { id: "x/../../y", name: NAME, status: "RUNNING" }, "id"],
    ["an id of another host", { id: "evil.example/", name: NAME, status: "RUNNING" }, "id"],
  ])("fails, and names the field, when a pod of ours has %s", async (_, ours, field) => {
    fake.addForeign(ours);
    const error = await failureOf(provider.list(scope, context));
    expect(error).toMatchObject({ code: "PROVIDER" });
    expect(error.message).toContain(`of the pod ${NAME}`);
    expect(error.message).toContain(field);
  });

  it.each([["a text"], [{ id: "x", status: "RUNNING" }], [null], [{ id: "x", name: 7 }]])(
    "fails when an entry is %j, which is no pod at all",
    async (entry) => {
      fake.addForeign(entry);
      expect(await failureOf(provider.list(scope, context))).toMatchObject({ code: "PROVIDER" });
    },
  );
});

describe("a refusal that did not come from RunPod's API", () => {
  it.each(["kong-404", "gateway-404", "other-404"] as const)("%s is no absence", async (fault) => {
    const reference = await provider.create(await createRequest(), context);
    fake.fault("get", fault);
    expect(await failureOf(provider.get(reference, context))).toMatchObject({
      code: "PROVIDER",
      status: 404,
    });
    fake.fault("terminate", fault);
    expect(await failureOf(provider.terminate(reference, context))).toMatchObject({ code: "PROVIDER" });
    expect(fake.pods.map((pod) => fake.statusOf(pod))).toEqual(["PROVISIONING"]);
    await provider.terminate(reference, context);
    expect(await provider.get(reference, context)).toBeUndefined();
  });

  it("a 403 in another form refuses no pool", async () => {
    const request = await createRequest();
    fake.fault("create", "kong-403");
    expect(await failureOf(provider.create(request, context))).toMatchObject({
      code: "PROVIDER",
      mayHaveCreated: false,
    });
  });
});

describe("a refusal's words", () => {
  const quoting = (request: CreateRequest): Promise<unknown> => {
    const echo = runpod({
      apiKey: fake.apiKey,
      clock,
      fetch: async () => {
        const detail = `env.NOTE may not be ${request.env.NOTE}`;
        return Response.json(
          { title: "Bad Request", status: 400, detail, env: request.env },
          { status: 400 },
        );
      },
    });
    return failureOf(echo.create(request, context));
  };

  it("are its own, and not those of an environment that it quotes", async () => {
    const request = await createRequest({}, { NOTE: "out of capacity" });
    expect(await quoting(request)).toMatchObject({ code: "VALIDATION" });
  });

  it("count in the detail alone", async () => {
    const request = await createRequest();
    const body = { title: "Bad Request", status: 400, detail: "disk is too large", hint: "no more capacity" };
    const odd = runpod({ apiKey: "k", clock, fetch: async () => Response.json(body, { status: 400 }) });
    expect(await failureOf(odd.create(request, context))).toMatchObject({ code: "VALIDATION" });
  });
});

describe("a template", () => {
  it("keeps its own ports when the request has none", async () => {
    await provider.create(await createRequest({ ports: [], options: { templateId: "tpl" } }), context);
    expect(fake.pods.at(-1)?.body).not.toHaveProperty("ports");
  });

  it("gives way to the request's ports", async () => {
    await provider.create(await createRequest({ options: { templateId: "tpl" } }), context);
    expect(fake.pods.at(-1)?.body).toMatchObject({ ports: ["8000/http", "22/tcp"] });
  });
});

it("a start on a full host is not worth a repeat, and a create elsewhere is", async () => {
  const reference = await provider.create(await createRequest(), context);
  fake.setStatus(reference.providerId, "EXITED");
  fake.fault("action", "capacity-host");
  expect(await failureOf(provider.start(reference, context))).toMatchObject({
    code: "CAPACITY",
    retryable: false,
  });
  fake.fault("create", "capacity-host");
  expect(await failureOf(provider.create(await createRequest(), context))).toMatchObject({
    code: "CAPACITY",
    retryable: true,
  });
});

describe("a long list", () => {
  it("is read in smaller pages where a page is longer than 10 MB", async () => {
    const padding = "x".repeat(400_000);
    for (let index = 0; index < 60; index += 1) fake.add(`theirs-${index}`, { PADDING: padding });
    fake.add(NAME, { ATLAS_OWNER: "owner-1" });
    expect(await provider.list(scope, context)).toMatchObject([{ name: NAME }]);
    expect(fake.requests.filter((request) => request === "GET /v2/pods").length).toBeLessThan(10);
  });

  it("fails when a single pod is longer than that", async () => {
    fake.add("theirs", { PADDING: "x".repeat(10_000_001) });
    expect(await failureOf(provider.list(scope, context))).toMatchObject({
      code: "PROVIDER",
      message: expect.stringContaining("longer than 10000000 bytes"),
    });
  });

  it("ends with an error when its cursors never repeat", async () => {
    let pages = 0;
    const endless = runpod({
      apiKey: "k",
      clock,
      fetch: async () => {
        pages += 1;
        return Response.json({ pods: [], pagination: { nextCursor: `page-${pages}`, hasNextPage: true } });
      },
    });
    const error = await failureOf(endless.list(scope, context));
    expect(error.message).toContain("more than 1000 pages");
    expect(pages).toBe(1000);
  });
});

it("a reference whose id is no pod's sends nothing", async () => {
  const before = fake.requests.length;
  for (const providerId of ["..", "x/y", "", "evil.example", "a b", "x".repeat(80)]) {
    const reference = { name: NAME, providerId };
    expect(await failureOf(provider.get(reference, context))).toMatchObject({ code: "VALIDATION" });
    expect(await failureOf(provider.terminate(reference, context))).toMatchObject({ code: "VALIDATION" });
  }
  expect(fake.requests).toHaveLength(before);
});
