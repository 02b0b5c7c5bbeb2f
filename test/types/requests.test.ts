import { expectTypeOf, it } from "vitest";
import type { AtlasOptions, GpuInput, KnownGpu, PortInput, SpawnRequest } from "../../src/index.ts";
import { type Atlas, AtlasError, type AtlasErrorCode } from "../../src/index.ts";

it("a request, a list and a spawn take no misspelt option, scheme or port", () => {
  const refusedByTheCompiler = (atlas: Atlas): readonly unknown[] => [
    // @ts-expect-error a misspelt option
    atlas.spawnCompute({ gpus: "h100" }),
    // @ts-expect-error a misspelt option beside the ones that the types follow
    atlas.spawnCompute({ auth: "bearer", idempotencykey: "a" }),
    // @ts-expect-error no scheme
    atlas.spawnCompute({ auth: "basic" }),
    // @ts-expect-error no scheme in a list
    atlas.spawnCompute({ auth: ["bearer", "none"] }),
    // @ts-expect-error a key is a string
    atlas.spawnCompute({ idempotencyKey: 9 }),
    // @ts-expect-error no port
    atlas.spawnCompute({ ports: ["nonsense"] }),
    // @ts-expect-error no protocol that a pod can have
    atlas.spawnCompute({ ports: [8000, "80/udp"] }),
    // @ts-expect-error a misspelt field of a port
    atlas.spawnCompute({ ports: [{ port: 80, protocl: "tcp" }] }),
    // @ts-expect-error a number is no GPU
    atlas.spawnCompute({ gpu: 4090 }),
    // @ts-expect-error a misspelt option of a list
    atlas.listComputes({ user: "ann" }),
    // @ts-expect-error a misspelt option of a spawn
    atlas.spawnCompute({}, { onprogress: () => undefined }),
  ];
  expectTypeOf(refusedByTheCompiler).returns.toEqualTypeOf<readonly unknown[]>();
});

it("a port is a number, or a number with http or tcp, or an object", () => {
  expectTypeOf<8000 | "8000" | "8000/http" | "22/tcp">().toExtend<PortInput>();
  expectTypeOf<{ port: 9000; protocol: "http"; name: "metrics" }>().toExtend<PortInput>();
  expectTypeOf<"80/udp">().not.toExtend<PortInput>();
  expectTypeOf<"nonsense">().not.toExtend<PortInput>();
  expectTypeOf<string>().not.toExtend<PortInput>();
});

it("a GPU is any string, and the known names are a type that editors complete", () => {
  expectTypeOf<"h100" | "a100-80gb-sxm" | "rtx-4090" | "gh200">().toExtend<KnownGpu>();
  expectTypeOf<"h1000">().not.toExtend<KnownGpu>();
  expectTypeOf<string>().toExtend<GpuInput>();
  expectTypeOf<SpawnRequest["gpu"]>().toEqualTypeOf<GpuInput | readonly GpuInput[] | undefined>();
});

it("a client may have no providers", () => {
  expectTypeOf<{ providers: [] }>().toExtend<AtlasOptions>();
});

it("an error has every fact by type", () => {
  const error = new AtlasError("CAPACITY", "none");
  expectTypeOf(error.code).toEqualTypeOf<AtlasErrorCode>();
  expectTypeOf(error.retryable).toEqualTypeOf<boolean>();
  expectTypeOf(error.retryAfterSeconds).toEqualTypeOf<number | undefined>();
  expectTypeOf(error.computeId).toEqualTypeOf<string | undefined>();
  // @ts-expect-error no fact
  expectTypeOf(error.retryAfter).toBeNever();
});
