import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toDate, toInstance } from "../../src/providers/runpod/convert.ts";
import { podSchema } from "../../src/providers/runpod/wire.ts";

const pod = (facts: object): ReturnType<typeof toInstance> =>
  toInstance(podSchema.parse({ id: "p1", name: "atlas-a-1", status: "RUNNING", ...facts }));

describe("a pod as an instance", () => {
  it.each([
    ["PROVISIONING", "provisioning"],
    ["STARTING", "provisioning"],
    ["RUNNING", "running"],
    ["EXITED", "stopped"],
    ["ERROR", "failed"],
    ["TERMINATED", "terminated"],
    ["MIGRATING", "unknown"],
    ["toString", "unknown"],
  ])("has for %s the status %s", (status, expected) => {
    expect(pod({ status }).status).toBe(expected);
  });

  it("says what RunPod says of a failure", () => {
    expect(pod({ status: "ERROR" }).message).toContain("ERROR");
  });

  it("takes a price of 0 for an unknown one", () => {
    expect(pod({ cost: 0 })).not.toHaveProperty("costPerHour");
    expect(pod({ cost: 0.5 }).costPerHour).toBe(0.5);
  });

  it("keeps RunPod's own id for a GPU without a canonical name", () => {
    expect(pod({ gpu: { id: "NVIDIA Next", count: 4 } })).toMatchObject({ gpu: "NVIDIA Next", gpuCount: 4 });
    expect(pod({ cpu: { id: "cpu3c" } })).not.toHaveProperty("gpu");
  });

  it.each([
    ["100.65.0.1", false],
    ["100.128.0.1", true],
    ["10.0.0.1", false],
    ["172.20.0.1", false],
    ["172.32.0.1", true],
    ["192.168.1.1", false],
    ["194.68.245.10", true],
    ["fd00::1", false],
    ["2001:db8::1", true],
  ])("shows a tcp port at %s only where that is public (%s)", (ip, isPublic) => {
    const runtime = { ports: [{ private: 22, public: 31_000, type: "tcp", ip }] };
    const [port] = pod({ ports: ["22/tcp"], runtime }).ports;
    expect(port?.external).toBe(isPublic ? 31_000 : undefined);
    if (isPublic) expect(new URL(port?.url ?? "").port).toBe("31000");
  });

  it("never shows an env value, whatever RunPod answers around it", () => {
    const env = fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,12}$/), fc.string({ minLength: 12 }), {
      minKeys: 1,
      noNullPrototype: true,
    });
    const odd = fc.record({
      ports: fc.option(fc.array(fc.oneof(fc.string(), fc.constantFrom("8000/http", "22/tcp")))),
      cost: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      createdAt: fc.option(fc.oneof(fc.string(), fc.date({ noInvalidDate: true }).map(String))),
      dataCenterId: fc.option(fc.string()),
      status: fc.string(),
    });
    fc.assert(
      fc.property(env, odd, (values, facts) => {
        const { raw, ...instance } = pod({ ...facts, env: values });
        const { owner, ...shown } = instance;
        expect(owner).toBe(Object.hasOwn(values, "ATLAS_OWNER") ? values.ATLAS_OWNER : undefined);
        expect(shown).not.toHaveProperty("env");
        const redacted: unknown = Reflect.get(Object(raw), "env");
        expect(new Set(Object.values(Object(redacted)))).toEqual(new Set(["[redacted]"]));
        expect(new Set(Object.keys(Object(redacted)))).toEqual(new Set(Object.keys(values)));
      }),
    );
  });
});

describe("a time of RunPod's", () => {
  it("is a date, or nothing", () => {
    expect(toDate("2026-03-13T20:00:00Z")).toEqual(new Date("2026-03-13T20:00:00Z"));
    for (const text of [undefined, null, "", "soon"]) expect(toDate(text)).toBeUndefined();
  });
});
