import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { devicesIn } from "../../src/providers/docker/devices.ts";
import { textOfFrames } from "../../src/providers/docker/frames.ts";
import type { DockerOptions } from "../../src/providers/docker/index.ts";
import { docker } from "../../src/providers/docker/index.ts";
import { isImageReference, partsOf } from "../../src/providers/docker/pull.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { createRequest, devices, placement, quietContext } from "../docker/subject.ts";
import { leapingClock } from "../fakes/clock.ts";
import { FakeDaemon, type FakeDaemonOptions } from "../fakes/docker.ts";
import { failureOf } from "../support/failure-of.ts";

afterEach(() => vi.unstubAllEnvs());

const context = quietContext();

interface Scene {
  readonly fake: FakeDaemon;
  readonly provider: ReturnType<typeof docker>;
  readonly clock: ReturnType<typeof manualClock>;
}

function scene(options: DockerOptions = {}, fakeOptions: Partial<FakeDaemonOptions> = {}): Scene {
  const clock = manualClock();
  const fake = new FakeDaemon({ clock, ...fakeOptions });
  const fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    fake.handle(new Request(input, init));
  return { fake, clock, provider: docker({ devices, clock, fetch, ...options }) };
}

test.each(["no Route matched with those values", "page not found"])(
  "a 404 that says %j is not the daemon's word for a container that is gone",
  async (message) => {
    const fetch = async (): Promise<Response> => Response.json({ message }, { status: 404 });
    const { provider } = scene({ fetch });
    const reference = { name: "atlas-default-x", providerId: "0123456789ab" };
    for (const call of [provider.get(reference, context), provider.terminate(reference, context)])
      expect(await failureOf(call)).toMatchObject({ code: "PROVIDER", status: 404 });
  },
);

describe("the options", () => {
  test.each<[DockerOptions, string]>([
    [{ host: "0.0.0.0" }, "host"],
    [{ host: "gpu.lan" }, "host"],
    [{ url: "https://gpu.example.com" }, "url"],
    [{ url: "https://{port}.gpu.example.com/?token=1" }, "url"],
    [{ daemon: "ssh://me@box" }, "ssh -L"],
    [{ devices: [] }, "devices"],
    [{ registries: { "ghcr.io": Object({ username: "me", pasword: "hunter2-secret" }) } }, "registries"],
  ])("%j are refused, and the option is named", (options, named) => {
    expect(() => docker(options)).toThrow(named);
    expect(() => docker(options)).not.toThrow("hunter2-secret");
  });

  test("a daemon on a public address without TLS is refused", async () => {
    vi.stubEnv("DOCKER_HOST", "tcp://gpu.example.com:2375");
    vi.stubEnv("DOCKER_CERT_PATH", "");
    const error = await failureOf(docker().list({ namePrefix: "atlas-" }, context));
    expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
    expect(String(error)).toContain("without TLS");
  });

  test("a folder without certificates is named", async () => {
    const folder = await mkdtemp(join(tmpdir(), "docker-certificates-"));
    await writeFile(join(folder, "ca.pem"), "");
    const provider = docker({ daemon: "tcp://gpu.example.com:2376", certPath: folder });
    expect(String(await failureOf(provider.candidates(placement, context)))).toContain(folder);
    await rm(folder, { recursive: true });
  });

  test("a socket without a daemon names the remedy, and proves that nothing was created", async () => {
    const provider = docker({
      daemon: "unix:///nowhere/docker.sock",
      clock: leapingClock(),
    });
    const error = await failureOf(provider.candidates(placement, context));
    expect(error).toMatchObject({ code: "TRANSPORT", mayHaveCreated: false });
    expect(String(error)).toContain("set DOCKER_HOST");
  });
});

describe("a container", () => {
  test("listens on loopback, has an init process, limits, and a log that does not grow for ever", async () => {
    const { fake, provider } = scene();
    await provider.create(createRequest({ cpus: 2, memoryGb: 1.5 }), context);
    expect(fake.containers[0]?.body).toMatchObject({
      Image: "tiny:1",
      Cmd: placement.command,
      HostConfig: {
        Init: true,
        RestartPolicy: { Name: "no" },
        NanoCpus: 2e9,
        Memory: 1.5 * 1024 ** 3,
        PortBindings: { "8000/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] },
        LogConfig: { Config: { "max-size": "10m" } },
      },
    });
    expect(fake.containers[0]?.body.HostConfig).not.toHaveProperty("AutoRemove");
  });

  test.each<[DockerOptions, string, string]>([
    [{}, "http://127.0.0.1:32769", "tcp://127.0.0.1:32770"],
    [{ host: "192.168.1.7" }, "http://192.168.1.7:32769", "tcp://192.168.1.7:32770"],
    [{ host: "fd00::7" }, "http://[fd00::7]:32769", "tcp://[fd00::7]:32770"],
    [{ url: "https://{port}.gpu.example.com" }, "https://32769.gpu.example.com", "tcp://127.0.0.1:32770"],
  ])("of docker(%j) is reached at %s and %s", async (options, http, tcp) => {
    const { provider } = scene(options);
    const { ports } = await provider.create(createRequest(), context);
    expect(ports.map(({ url }) => url)).toEqual([http, tcp]);
  });

  test("has no address while it is stopped, and another after the next start", async () => {
    const { provider } = scene();
    const created = await provider.create(createRequest(), context);
    await provider.stop(created, context);
    expect((await provider.get(created, context))?.ports.map(({ url }) => url)).toEqual([
      undefined,
      undefined,
    ]);
    await provider.start(created, context);
    const started = await provider.get(created, context);
    expect(started?.ports[0]?.external).not.toBe(created.ports[0]?.external);
  });

  test("that ends by itself has failed with its exit code, one that was stopped is stopped", async () => {
    const { fake, provider } = scene();
    const created = await provider.create(createRequest(), context);
    fake.exit(created.providerId, 0);
    expect(await provider.get(created, context)).toMatchObject({
      status: "failed",
      message: expect.stringContaining("exit code 0"),
    });
    fake.exit(created.providerId, 137, true);
    expect(await provider.get(created, context)).toMatchObject({
      message: expect.stringContaining("out of memory"),
    });
    await provider.start(created, context);
    await provider.stop(created, context);
    expect(await provider.get(created, context)).toMatchObject({ status: "stopped" });
    await provider.start(created, context);
    fake.exit(created.providerId, 1);
    expect(await provider.get(created, context)).toMatchObject({ status: "failed" });
  });

  test("that was never started is a part of an instance, and has failed in the end", async () => {
    const { fake, provider, clock } = scene();
    const created = await provider.create(createRequest(), context);
    const [container] = fake.containers;
    if (container !== undefined) container.status = "created";
    expect(await provider.get(created, context)).toMatchObject({ status: "provisioning", partial: true });
    await clock.advance(121);
    expect(await provider.get(created, context)).toMatchObject({ status: "failed", partial: true });
  });

  test("of another owner is not adopted", async () => {
    const { fake, provider } = scene();
    await provider.create(createRequest(), context);
    const error = await failureOf(provider.create(createRequest({ owner: "owner-2" }), context));
    expect(error).toMatchObject({ code: "CONFLICT", mayHaveCreated: false });
    expect(fake.everMade).toHaveLength(1);
  });

  test("whose start was refused leaves nothing", async () => {
    const { fake, provider } = scene({ devices: [{ id: "7", gpu: "l4" }] });
    const request = createRequest({ gpus: ["l4"], candidate: { gpu: "l4" } });
    const error = await failureOf(provider.create(request, context));
    expect(error).toMatchObject({ code: "CAPACITY", mayHaveCreated: false });
    expect(fake.containers).toEqual([]);
  });
});

describe("GPUs", () => {
  const gpuRequest = (name: string, gpuCount = 1): ReturnType<typeof createRequest> =>
    createRequest({ gpus: ["l4"], gpuCount, candidate: { gpu: "l4" } }, `atlas-default-${name}`);

  test("are given to one container each, and come back when it is removed", async () => {
    const { fake, provider, clock } = scene();
    const first = await provider.create(gpuRequest("first"), context);
    await provider.create(gpuRequest("second"), context);
    expect(fake.containers.map(({ body }) => body.HostConfig.DeviceRequests)).toEqual([
      [{ Driver: "cdi", DeviceIDs: ["nvidia.com/gpu=0"] }],
      [{ Driver: "cdi", DeviceIDs: ["nvidia.com/gpu=1"] }],
    ]);
    expect(await clock.settle(failureOf(provider.create(gpuRequest("third"), context)))).toMatchObject({
      code: "CAPACITY",
    });
    await provider.terminate(first, context);
    await provider.create(gpuRequest("third"), context);
    expect(fake.containers).toHaveLength(2);
  });

  test("of racing creates are never given twice, and all are given", async () => {
    const { fake, provider, clock } = scene();
    const names = Array.from({ length: 8 }, (_, index) => `racer-${index}`);
    const racing = names.map((name) => provider.create(gpuRequest(name), context));
    const outcomes = await clock.settle(Promise.allSettled(racing));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    const held = fake.containers.map(({ body }) => body.Labels["atlas.gpus"]);
    expect(held.toSorted()).toEqual(["0", "1"]);
  });

  test("whose lock a dead process left are free again after a minute", async () => {
    const { fake, provider, clock } = scene();
    const stale = { Image: "tiny:1", Labels: { "atlas.gpu-lock": "0" }, HostConfig: {} };
    const body = JSON.stringify(stale);
    await fake.handle(
      new Request("http://docker/containers/create?name=atlas_gpu_0", { method: "POST", body }),
    );
    const early = clock.settle(failureOf(provider.create(gpuRequest("both", 2), context)));
    expect(await early).toMatchObject({ code: "CAPACITY" });
    await clock.advance(61);
    await provider.list({ namePrefix: "atlas-" }, context);
    expect(fake.containers).toEqual([]);
    expect((await provider.create(gpuRequest("both", 2), context)).gpuCount).toBe(2);
  });

  test("are lost to a process that broke the lock, before anything starts", async () => {
    const { fake, provider, clock } = scene({ devices: [{ id: "0", gpu: "l4" }] });
    const { create } = fake;
    fake.create = async (request) => {
      const answer = await create.call(fake, request);
      if (request.url.includes("name=atlas-")) fake.remove("atlas_gpu_0");
      return answer;
    };
    const error = await clock.settle(failureOf(provider.create(gpuRequest("slow"), context)));
    expect(error).toMatchObject({ code: "CAPACITY", mayHaveCreated: false });
    expect(fake.containers).toEqual([]);
    expect(fake.everMade.every(({ status }) => status === "created")).toBe(true);
  });

  test("are listed by type with their stock, and a type that is not there is refused with what is", async () => {
    const { provider } = scene();
    await provider.create(gpuRequest("first"), context);
    expect(await provider.listGpuTypes(context)).toMatchObject([
      { id: "l4", name: "l4", memoryGb: 24, stock: "low" },
    ]);
    const error = await failureOf(provider.candidates({ ...placement, gpus: ["h100"] }, context));
    expect(error).toMatchObject({ code: "UNSUPPORTED" });
    expect(String(error)).toContain("it has l4");
  });

  test("without a type are found by the daemon, and asked for as any", async () => {
    const { fake, provider } = scene({ devices: undefined });
    const candidates = await provider.candidates({ ...placement, gpus: ["h100", "any"] }, context);
    expect(candidates).toMatchObject([{ gpu: "any" }]);
    await provider.create(createRequest({ gpus: ["any"], candidate: { gpu: "any" } }), context);
    expect(fake.containers[0]?.body.Labels["atlas.gpus"]).toBe("0");
  });

  test("come from NVIDIA's runtime where that is wanted", async () => {
    const { fake, provider } = scene({ gpu: "nvidia" });
    await provider.create(gpuRequest("first"), context);
    expect(fake.containers[0]?.body.HostConfig.DeviceRequests).toEqual([
      { Driver: "", DeviceIDs: ["0"], Capabilities: [["gpu"]] },
    ]);
  });
});

describe("volumes", () => {
  const kept = { volume: "keep" } as const;

  test("are kept for a user and a slot, by a name that hides the user", async () => {
    const { fake, provider } = scene();
    const ofAda = { options: kept, userId: "ada" };
    const first = await provider.create(createRequest(ofAda), context);
    await provider.terminate(first, context);
    await provider.create(createRequest(ofAda), context);
    await provider.create(createRequest({ options: kept, userId: "bob" }, "atlas-default-bob"), context);
    const sources = fake.everMade.map(({ body }) => body.HostConfig.Mounts?.[0]?.Source);
    expect(sources[0]).toBe(sources[1]);
    expect(sources[0]).not.toBe(sources[2]);
    expect(sources.join()).not.toMatch(/ada|bob/);
    expect(sources[0]).toBe(provider.volumes.nameOf("default", "ada"));
    const error = await failureOf(provider.volumes.remove(sources[0] ?? "", context));
    expect(error).toMatchObject({ code: "CONFLICT" });
  });

  test("of no user cannot be kept", async () => {
    const error = await failureOf(scene().provider.candidates({ ...placement, options: kept }, context));
    expect(error).toMatchObject({ code: "VALIDATION", message: expect.stringContaining("userId") });
  });

  test("that do not exist are refused, because Docker would make an empty one", async () => {
    const { fake, provider } = scene();
    const error = await failureOf(provider.create(createRequest({ networkVolumeId: "models" }), context));
    expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
    expect(fake.everMade).toEqual([]);
  });
});

describe("images", () => {
  test("are downloaded when they are missing, with progress and credentials", async () => {
    const registries = { "ghcr.io": { username: "me", password: "hunter2-secret" } };
    const { fake, provider } = scene({ registries }, { registry: ["ghcr.io/me/server:1"] });
    const messages: string[] = [];
    const report = (message: string): void => void messages.push(message);
    await provider.create(createRequest({ image: "ghcr.io/me/server:1" }), { ...context, report });
    expect(messages).toEqual(["downloading the image ghcr.io/me/server:1: 50 % of 0 MB"]);
    const [auth] = fake.credentials;
    expect(JSON.parse(Buffer.from(auth ?? "", "base64url").toString())).toMatchObject(registries["ghcr.io"]);
  });

  test("that no registry has are refused by an error inside an answer that began as success", async () => {
    const { fake, provider } = scene();
    const error = await failureOf(provider.create(createRequest({ image: "ghcr.io/me/none:1" }), context));
    expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
    expect(String(error)).toContain("manifest unknown");
    expect(fake.everMade).toEqual([]);
  });

  test("are not downloaded when that is not wanted", async () => {
    const { fake, provider } = scene({}, { registry: ["other:1"] });
    const request = createRequest({ image: "other:1", options: { pull: "never" } });
    expect(await failureOf(provider.create(request, context))).toMatchObject({ code: "VALIDATION" });
    expect(fake.credentials).toEqual([]);
  });

  test.each([
    ["tiny", "tiny", "latest", "docker.io"],
    ["me/tiny:1", "me/tiny", "1", "docker.io"],
    ["localhost:5000/tiny", "localhost:5000/tiny", "latest", "localhost:5000"],
    ["ghcr.io/me/tiny:1.2", "ghcr.io/me/tiny", "1.2", "ghcr.io"],
    [`ghcr.io/tiny:1@sha256:${"a".repeat(64)}`, "ghcr.io/tiny", `sha256:${"a".repeat(64)}`, "ghcr.io"],
  ])("by the reference %s have a repository, a tag and a registry", (image, repository, tag, registry) => {
    expect(isImageReference(image)).toBe(true);
    expect(partsOf(image)).toEqual({ repository, tag, registry });
  });

  test.each(["../../info", "a/../b", "tiny?x=1", "tiny#1", "tiny:/json", "", "a b"])(
    "by the reference %j are refused, because it would be another path of the API",
    (image) => expect(isImageReference(image)).toBe(false),
  );
});

describe("the formats", () => {
  test("log frames give the same text wherever their chunks are cut", async () => {
    const frames = fc.array(
      fc.record({ stream: fc.constantFrom(1, 2), text: fc.string({ unit: "binary" }) }),
    );
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.nat(40)), async (all, cuts) => {
        const bytes = Buffer.concat(all.map(({ stream, text }) => framed(stream, text)));
        const texts: string[] = [];
        for await (const text of textOfFrames(chunked(bytes, cuts), false)) texts.push(text);
        expect(texts.join("")).toBe(all.map(({ text }) => text.toWellFormed()).join(""));
      }),
      { numRuns: 200 },
    );
  });

  test("CDI specifications are read as JSON and as the YAML that nvidia-ctk writes", () => {
    const json = '{"cdiVersion":"0.5.0","kind":"nvidia.com/gpu","devices":[{"name":"0"},{"name":"all"}]}';
    const yaml = `---
cdiVersion: 0.5.0
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-ctk
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- name: all
kind: nvidia.com/gpu
`;
    expect(devicesIn(json)).toEqual(["nvidia.com/gpu=0", "nvidia.com/gpu=all"]);
    expect(devicesIn(yaml)).toEqual(["nvidia.com/gpu=0", "nvidia.com/gpu=all"]);
    expect(devicesIn('{"kind":"example.com/net","devices":[{"name":"0"}]}')).toEqual([]);
  });
});

function framed(stream: number, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

async function* chunked(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let rest = bytes;
  for (const cut of cuts) {
    yield rest.subarray(0, cut);
    rest = rest.subarray(cut);
  }
  yield rest;
}
