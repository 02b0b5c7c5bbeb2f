import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAtlasError } from "../src/errors.ts";
import { parseRequest } from "../src/request.ts";
import { scene } from "./support/scene.ts";

const long = (length: number): string => "x".repeat(length);
const entries = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, "value"]));

/** Field, values at the limits. */
const allowed: readonly (readonly [string, readonly unknown[]])[] = [
  ["gpu", ["h", long(100), ["h100"], Array.from({ length: 20 }, (_, index) => `gpu-${index}`), undefined]],
  ["gpuCount", [1, 64]],
  ["image", ["a", long(500)]],
  ["command", [["a"], [""], Array.from({ length: 100 }, () => "a"), [long(32_768)]]],
  ["ports", [[], [1], [65_535], ["22/tcp", "8000/http", "9000"], [{ port: 1, protocol: "tcp", name: "a" }]]],
  ["ports", [Array.from({ length: 20 }, (_, index) => index + 1)]],
  ["env", [{}, { A: "" }, { _a1: long(32_768) }, { [long(128)]: "v" }, { ATLASES: "v" }]],
  ["auth", ["none", "bearer", "signed-url", ["bearer"], ["signed-url", "bearer"]]],
  ["userId", ["u", long(200), "ü-🙂"]],
  ["idempotencyKey", ["k", long(200)]],
  ["regions", [[], ["EU"], Array.from({ length: 50 }, (_, index) => `region-${index}`)]],
  ["maxCostPerHour", [0.0001, 10_000]],
  ["cpus", [1, 512]],
  ["memoryGb", [0.25, 16_384]],
  ["diskGb", [1, 65_536]],
  ["volumeGb", [1, 65_536]],
  ["networkVolumeId", ["v", long(200)]],
  ["volumePath", ["/", `/${long(499)}`]],
  ["idleTimeoutSeconds", [1, 2_592_000, null]],
  ["maxLifetimeSeconds", [1, 31_536_000, null]],
  ["metadata", [{}, entries(50), { [long(64)]: long(500) }]],
];

/** Field, value past a limit, and what the error says came. */
const refused: readonly (readonly [string, unknown, string])[] = [
  ["gpu", "", '""'],
  ["gpu", long(101), "(101 characters)"],
  ["gpu", [], "an array of 0"],
  ["gpu", Array.from({ length: 21 }, (_, index) => `gpu-${index}`), "an array of 21"],
  ["gpu", "h100\n", String.raw`"h100\n"`],
  ["gpu", 100, "100"],
  ["gpuCount", 0, "0"],
  ["gpuCount", 65, "65"],
  ["gpuCount", 1.5, "1.5"],
  ["gpuCount", "2", '"2"'],
  ["gpuCount", Number.NaN, "NaN"],
  ["image", "", '""'],
  ["image", long(501), "(501 characters)"],
  ["image", "two words", '"two words"'],
  ["command", "serve", "a string of 5 characters"],
  ["command", [], "an array of 0"],
  ["command", Array.from({ length: 101 }, () => "a"), "an array of 101"],
  ["command", ["a\0b"], "a string of 3 characters"],
  ["ports", 8000, "8000"],
  ["ports", [0], "0"],
  ["ports", [65_536], "65536"],
  ["ports", [80.5], "80.5"],
  ["ports", ["-5/tcp"], '"-5/tcp"'],
  ["ports", ["1e3"], '"1e3"'],
  ["ports", ["65536"], '"65536"'],
  ["ports", ["80.5"], '"80.5"'],
  ["ports", ["22/udp"], '"22/udp"'],
  ["ports", ["65536/tcp"], '"65536/tcp"'],
  ["ports", ["022/tcp"], '"022/tcp"'],
  ["ports", [{ port: 80, name: "Metrics" }], '"Metrics"'],
  ["ports", [{ port: 80, protocol: "udp" }], "an object"],
  ["ports", [{ port: 80, public: true }], "an object"],
  ["ports", Array.from({ length: 21 }, (_, index) => index + 1), "an array of 21"],
  ["ports", [8000, "8000/tcp"], "8000 twice"],
  ["env", { "1A": "v" }, "a string of 1 characters"],
  ["env", { "A-B": "v" }, "a string of 1 characters"],
  ["env", { [long(129)]: "v" }, "a string of 1 characters"],
  ["env", { ATLAS_OWNER: "me" }, "a string of 2 characters"],
  ["env", { ATLAS_: "me" }, "a string of 2 characters"],
  ["env", { A: 1 }, "a number"],
  ["env", { A: undefined }, "nothing"],
  ["env", { A: long(32_769) }, "a string of 32769 characters"],
  ["env", { A: "a\0b" }, "a string of 3 characters"],
  ["env", ["A=1"], "an array of 1"],
  ["env", null, "null"],
  ["auth", "basic", '"basic"'],
  ["auth", [], "an array of 0"],
  ["auth", ["none"], "an array of 1"],
  ["auth", ["bearer", "bearer"], "an array of 2"],
  ["userId", "", '""'],
  ["userId", long(201), "(201 characters)"],
  ["userId", 42, "42"],
  ["userId", "a\u0007b", String.raw`"a\u0007b"`],
  ["idempotencyKey", "", '""'],
  ["idempotencyKey", long(201), "(201 characters)"],
  ["regions", "EU", '"EU"'],
  ["regions", [""], '""'],
  ["regions", Array.from({ length: 51 }, (_, index) => `region-${index}`), "an array of 51"],
  ["maxCostPerHour", 0, "0"],
  ["maxCostPerHour", -1, "-1"],
  ["maxCostPerHour", 10_001, "10001"],
  ["maxCostPerHour", Number.POSITIVE_INFINITY, "Infinity"],
  ["cpus", 0, "0"],
  ["cpus", 513, "513"],
  ["cpus", 0.5, "0.5"],
  ["memoryGb", 0, "0"],
  ["memoryGb", 16_385, "16385"],
  ["diskGb", 0, "0"],
  ["diskGb", 65_537, "65537"],
  ["volumeGb", 1.5, "1.5"],
  ["networkVolumeId", "", '""'],
  ["volumePath", "workspace", '"workspace"'],
  ["volumePath", "/my files", '"/my files"'],
  ["idleTimeoutSeconds", 0, "0"],
  ["idleTimeoutSeconds", 0.5, "0.5"],
  ["idleTimeoutSeconds", 2_592_001, "2592001"],
  ["maxLifetimeSeconds", 0, "0"],
  ["maxLifetimeSeconds", 31_536_001, "31536001"],
  ["metadata", entries(51), "an object"],
  ["metadata", { "a b": "v" }, '"v"'],
  ["metadata", { plan: long(501) }, "(501 characters)"],
  ["metadata", { plan: 1 }, "1"],
  ["providerOptions", "runpod", "a string of 6 characters"],
  ["providerOptions", { runpod: {} }, '"runpod"'],
  ["providerOptions", { mock: { tiers: "x" } }, "an unknown key"],
  ["gpus", "h100", "an unknown key"],
  ["timeout", 1, "an unknown key"],
];

describe("a request", () => {
  it.each(allowed)("takes %s at its limits", (field, values) => {
    for (const value of values) expect(() => parseRequest({ [field]: value })).not.toThrow();
  });

  it.each(refused)(
    "is refused for %s past its limits, with nothing asked and nothing stored (%#)",
    async (field, value, received) => {
      const { atlas, provider, failure, records } = scene();
      const error = await failure(atlas.spawnCompute({ [field]: value }));
      expect(error.code).toBe("VALIDATION");
      expect(error.message).toMatch(new RegExp(String.raw`\b${field}\b.*: got .*; allowed: .`));
      expect(error.message).toContain(`got ${received.startsWith("(") ? "" : received}`);
      expect(error.message).toContain(received);
      expect(provider.calls).toEqual([]);
      expect(await records()).toEqual([]);
    },
  );

  it("is told every field that is wrong at once, each with what came and what is allowed", async () => {
    const { atlas, failure } = scene();
    const error = await failure(
      atlas.spawnCompute({ gpuCount: 1.5, ports: JSON.parse('["22/udp"]'), image: "" }),
    );
    expect(error.details).toEqual({
      fields: [
        { field: "gpuCount", received: "1.5", allowed: "a whole number from 1 to 64" },
        { field: "image", received: '""', allowed: expect.stringContaining("up to 500 characters") },
        { field: "ports[0]", received: '"22/udp"', allowed: expect.stringContaining('"22/tcp"') },
      ],
    });
  });

  it("names an unknown key and the known ones", async () => {
    const { atlas, failure } = scene();
    const { message } = await failure(atlas.spawnCompute(JSON.parse('{"gpuType":"h100"}')));
    expect(message).toMatch(/gpuType: got an unknown key; allowed: gpu, gpuCount, image/);
  });

  it("keeps what may be a secret out of its refusals", async () => {
    const { atlas, failure } = scene();
    const secret = "sk-very-secret";
    const requests = [
      { env: { "HF-TOKEN": secret } },
      { env: { ATLAS_PRESHARED_KEY: secret } },
      { env: { A: `${secret}\0` } },
      { env: secret },
      { command: secret },
      { command: [`--key=${secret}\0`] },
      { providerOptions: secret },
    ];
    for (const request of requests) {
      const error = await failure(atlas.spawnCompute(JSON.parse(JSON.stringify(request))));
      expect(error.code).toBe("VALIDATION");
      expect(JSON.stringify([error.message, error.details])).not.toContain(secret);
    }
  });

  it.each([null, 1, "h100", [], () => undefined].map((input) => [input]))(
    "has to be an object, not %j",
    async (input) => {
      const { atlas, failure, provider } = scene();
      const error = await failure(atlas.spawnCompute(input as never));
      expect(error.code).toBe("VALIDATION");
      expect(provider.calls).toEqual([]);
    },
  );

  it("may be empty: a CPU machine without ports, behind a token, with both deadlines", () => {
    expect(parseRequest({})).toEqual({
      ...{ gpus: [], gpuCount: 1, ports: [], env: {}, auth: ["bearer"], regions: [], metadata: {} },
      ...{
        userId: null,
        slot: null,
        idempotencyKey: null,
        origins: [],
        idleTimeoutSeconds: 1800,
        maxLifetimeSeconds: 86_400,
        maxExtendedLifetimeSeconds: null,
        bootTimeoutSeconds: null,
        warnBeforeEndSeconds: 120,
      },
      providerOptions: {},
    });
  });

  it("reads every form of a port", () => {
    const { ports } = parseRequest({ ports: [8000, "22/tcp", "81/http", { port: 9000, name: "metrics" }] });
    expect(ports).toEqual([
      { internal: 8000, protocol: "http" },
      { internal: 22, protocol: "tcp" },
      { internal: 81, protocol: "http" },
      { internal: 9000, protocol: "http", name: "metrics" },
    ]);
  });

  it("takes undefined for a field that was left out", () => {
    expect(parseRequest({ image: undefined, gpu: undefined, ports: undefined })).toEqual(parseRequest({}));
  });

  it("is refused when a value in it makes a check throw", () => {
    expect(() => parseRequest({ gpu: { length: Object.create(null) } })).toThrow(/not valid/);
  });

  it("is never answered with anything but a parsed request or VALIDATION", () => {
    const field = fc.constantFrom(...allowed.map(([name]) => name), "other", "__proto__", "constructor");
    fc.assert(
      fc.property(
        fc.dictionary(field, fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true })),
        (input) => {
          try {
            parseRequest(input);
          } catch (error) {
            expect(isAtlasError(error) && error.code).toBe("VALIDATION");
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("does not lose an env variable with an odd name", () => {
    const { env } = parseRequest({ env: JSON.parse('{"constructor":"a","toString":"b"}') });
    expect(Object.entries(env)).toEqual([
      ["constructor", "a"],
      ["toString", "b"],
    ]);
  });
});
