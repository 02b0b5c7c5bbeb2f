import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalGpu, expandGpu, gpuHint, gpuIds, gpuMemoryGb, gpuNames, resolveGpus } from "../src/gpus.ts";
import { failureOf, scene } from "./support/scene.ts";

describe("GPU names", () => {
  it("include every name of the documentation", () => {
    const documented =
      "b300 b200 h200 h100 a100-80gb a100-40gb l40s l40 l4 a40 a30 a10 a6000 a5000 a4000 rtx-6000-ada rtx-pro-6000 rtx-5090 rtx-4090 rtx-3090 mi300x v100 gh200 h100-sxm h100-pcie h100-nvl a100-80gb-sxm a100-80gb-pcie a100-40gb-sxm a100-40gb-pcie h200-sxm h200-nvl v100-sxm v100-pcie";
    expect(gpuNames).toEqual(expect.arrayContaining(documented.split(" ")));
  });

  it("stand for their variants, best first", () => {
    expect(expandGpu("h100")).toEqual(["h100-sxm", "h100-nvl", "h100-pcie"]);
    expect(expandGpu("l4")).toEqual(["l4"]);
    expect(expandGpu("NVIDIA L40S")).toEqual(["NVIDIA L40S"]);
  });

  it("become a provider's ids, in the caller's order and each once", () => {
    const resolved = resolveGpus("runpod", ["l4", "h100", "NVIDIA H100 NVL", "h100-sxm", "NVIDIA New"]);
    expect(resolved).toEqual([
      { name: "l4", id: "NVIDIA L4" },
      { name: "h100-sxm", id: "NVIDIA H100 80GB HBM3" },
      { name: "h100-nvl", id: "NVIDIA H100 NVL" },
      { name: "h100-pcie", id: "NVIDIA H100 PCIe" },
      { name: "NVIDIA New", id: "NVIDIA New" },
    ]);
  });

  it("are refused by a provider that has none of them, which says who has", async () => {
    const error = await failureOf(Promise.resolve().then(() => resolveGpus("lambda", ["mi300x", "b300"])));
    expect(error).toMatchObject({ code: "UNSUPPORTED", provider: "lambda" });
    expect(error.message).toContain("lambda has no mi300x or b300; known to have it: runpod");
  });

  it("lead from a provider's id back to the canonical name", () => {
    expect(canonicalGpu("runpod", "NVIDIA L40S")).toBe("l40s");
    expect(canonicalGpu("runpod", "L40S")).toBeUndefined();
    for (const [name, id] of Object.entries(gpuIds("runpod"))) expect(canonicalGpu("runpod", id)).toBe(name);
  });

  it("know the memory of every variant", () => {
    for (const name of gpuNames.filter((other) => other !== "any"))
      expect(expandGpu(name).every((variant) => (gpuMemoryGb(variant) ?? 0) > 0)).toBe(true);
    expect(gpuMemoryGb("h100")).toBeUndefined();
  });

  it("may be any text, also one that every object has a property of", () => {
    const odd = fc.oneof(
      fc.string(),
      fc.constantFrom("constructor", "__proto__", "toString", "hasOwnProperty"),
    );
    fc.assert(
      fc.property(odd, (name) => {
        fc.pre(!gpuNames.includes(name) && canonicalGpu("runpod", name) === undefined);
        expect(resolveGpus("runpod", [name])).toEqual([{ name, id: name }]);
        expect(gpuMemoryGb(name)).toBeUndefined();
      }),
    );
  });
});

describe("a misspelt GPU name", () => {
  it.each([
    ["H100", "did you mean h100?"],
    ["RTX_4090", "did you mean rtx-4090?"],
    ["rtx4090", "did you mean rtx-4090?"],
    ["a100-80g", "did you mean a100-80gb?"],
    ["a100", "did you mean a100-80gb?"],
    ["MI300", "did you mean mi300x?"],
    ["h100 sxm", "did you mean h100-sxm?"],
  ])("%s is answered with %s", (name, hint) => {
    expect(gpuHint([name])).toBe(hint);
  });

  it.each([
    "h100",
    "rtx-4090",
    "NVIDIA L40S",
    "L40S",
    "RTX 4090",
    "tpu-v5",
    "",
    "x".repeat(5000),
    "toString",
  ])("is not seen in %s", (name) => {
    expect(gpuHint([name])).toBeUndefined();
  });

  it("is named by the error of a spawn that found no place for it, and refused by nothing before", async () => {
    const { atlas, failure } = scene();
    const error = await failure(atlas.spawnCompute({ gpu: ["H100", "tpu"] }));
    expect(error.message).toMatch(/^no provider could place the request: .*\(gpu: did you mean h100\?\)$/);
    expect(error.candidates).toHaveLength(1);
    const own = scene({ mock: { gpus: [{ id: "H100" }] } });
    expect((await own.spawn({ gpu: "H100" })).gpu).toBe("H100");
  });
});
