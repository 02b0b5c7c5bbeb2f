import { describe, expect, test } from "vitest";
import type { AtlasErrorCode } from "../../src/errors.ts";
import { classifyRefusal } from "../../src/providers/fly/refusals.ts";
import { type FlyRefusal, flyRefusals } from "../fakes/fly-refusals.ts";
import { createRequest, flyScene, machinePlacement, quietContext } from "./fly-subject.ts";

const context = quietContext();

/** The error of a create for each refusal of the machine, and whether a machine may exist. */
const VERDICTS: Readonly<Record<keyof typeof flyRefusals, readonly [AtlasErrorCode, boolean]>> = {
  regionFull: ["CAPACITY", false],
  regionFullInWords: ["CAPACITY", false],
  hostFull: ["CAPACITY", false],
  hostClosed: ["CAPACITY", false],
  governor: ["CAPACITY", false],
  volumeHostFull: ["CAPACITY", false],
  quota: ["QUOTA", false],
  forbidden: ["FORBIDDEN", false],
  badToken: ["AUTH_ERROR", false],
  paymentMethod: ["BILLING", false],
  balance: ["BILLING", false],
  leaseHeld: ["CONFLICT", false],
  versionMismatch: ["CONFLICT", false],
  nameTaken: ["CONFLICT", false],
  nameTakenInWords: ["CONFLICT", false],
  uniqueness: ["VALIDATION", false],
  badName: ["VALIDATION", false],
  badImage: ["VALIDATION", false],
  rateLimit: ["RATE_LIMIT", false],
  unreachableHost: ["TIMEOUT", true],
  serverError: ["PROVIDER", true],
  serverErrorAboutCapacity: ["PROVIDER", true],
  unavailable: ["UNAVAILABLE", true],
};

describe("a create whose machine is refused", () => {
  test.each(Object.entries(VERDICTS))("with %s", async (name, [code, mayHaveCreated]) => {
    const refusal: FlyRefusal = flyRefusals[name as keyof typeof flyRefusals];
    await using scene = await flyScene();
    scene.fake.fault("createMachine", refusal, 100);
    const creating = scene.provider.create(createRequest(), context);
    await expect(scene.clock.settle(creating)).rejects.toMatchObject({
      code,
      mayHaveCreated,
      status: refusal.status,
      requestId: "01FAKEREQUEST-fra",
    });
    expect(scene.fake.cloud.apps.length).toBe(mayHaveCreated ? 1 : 0);
  });

  test("with its environment in the error says so without the values", async () => {
    await using scene = await flyScene();
    const request = createRequest();
    const error = `invalid env: ATLAS_PRESHARED_KEY=${request.env.ATLAS_PRESHARED_KEY}`;
    scene.fake.fault("createMachine", { status: 400, error });
    const creating = scene.provider.create(request, context);
    await expect(scene.clock.settle(creating)).rejects.toThrow("invalid env: ATLAS_PRESHARED_KEY=[redacted]");
  });
});

describe("Fly's own code", () => {
  const classify = (status: number, error: string, code?: string): AtlasErrorCode | undefined =>
    classifyRefusal(
      { status, headers: new Headers(), text: "", json: { error, status: code } },
      { method: "POST", path: "/apps/a/machines", idempotent: false },
    )?.code;

  test("outranks the words, also when it is new to us", () => {
    expect(classify(422, "Validation failed: Name has already been taken", "insufficient_capacity")).toBe(
      "CAPACITY",
    );
    expect(classify(409, "insufficient CPUs available to fulfill request", "something_new")).toBeUndefined();
  });

  test("says nothing when it is unknown, and the words count", () => {
    expect(classify(409, "insufficient CPUs available to fulfill request", "unknown")).toBe("CAPACITY");
  });

  test("counts under no server error", () => {
    expect(classify(500, "no capacity", "insufficient_capacity")).toBeUndefined();
  });

  test("words count only under their own status", () => {
    expect(classify(400, "insufficient CPUs available to fulfill request")).toBeUndefined();
    expect(classify(409, "organization is over the allowed quota")).toBeUndefined();
  });

  test("a body of another shape is left to the common table", () => {
    const request = { method: "POST", path: "/apps", idempotent: false } as const;
    for (const json of [undefined, null, "no capacity", [], { error: 7 }])
      expect(
        classifyRefusal({ status: 409, headers: new Headers(), text: "no capacity", json }, request),
      ).toBeUndefined();
  });
});

test("a start refused because the host is full is CAPACITY", async () => {
  await using scene = await flyScene();
  const { provider, fake, clock } = scene;
  const created = await clock.settle(provider.create(createRequest(machinePlacement), context));
  await clock.advance(30);
  await clock.settle(provider.stop(created, context));
  fake.fullRegions.add("fra");
  await expect(clock.settle(provider.start(created, context))).rejects.toMatchObject({ code: "CAPACITY" });
});
