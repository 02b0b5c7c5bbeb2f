import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Instance, LogLine } from "../../src/provider.ts";
import { type DockerOptions, type DockerProvider, docker } from "../../src/providers/docker/index.ts";
import { failureOf } from "../support/failure-of.ts";
import { TestDaemon } from "./daemon.ts";
import { daemonSocket } from "./socket.ts";
import { createRequest, devices, quietContext } from "./subject.ts";

const daemon = new TestDaemon(daemonSocket());
const context = quietContext();
const provider = connect();

function connect(options: DockerOptions = {}): DockerProvider {
  return docker({ daemon: `unix://${daemon.socket}`, devices, ...options });
}

function shell(script: string): { readonly command: readonly string[] } {
  return { command: ["sh", "-c", script] };
}

async function until(reference: Instance, status: string): Promise<Instance> {
  for (let tries = 0; tries < 100; tries += 1) {
    const instance = await provider.get(reference, context);
    if (instance?.status === status) return instance;
    await sleep(100);
  }
  throw new Error(`${reference.name} did not become ${status}`);
}

async function linesOf(reference: Instance, tail = 100): Promise<readonly LogLine[]> {
  return Array.fromAsync(provider.logs(reference, { tail, follow: false }, context));
}

beforeAll(() => daemon.clear());
afterEach(() => daemon.clear());

describe("a container on the daemon", () => {
  test("serves its port on loopback, and on another port after a stop and a start", async () => {
    const created = await provider.create(createRequest(), context);
    const answer = async (url = ""): Promise<string> => (await fetch(url)).text();
    await expect.poll(() => answer(created.ports[0]?.url).catch(String)).toBe("hello\n");
    await provider.stop(created, context);
    expect(await until(created, "stopped")).toMatchObject({ name: created.name });
    await provider.start(created, context);
    const started = await until(created, "running");
    await expect.poll(() => answer(started.ports[0]?.url).catch(String)).toBe("hello\n");
  });

  test("is ended by the signal that its init process passes on, and stays stopped", async () => {
    const created = await provider.create(
      createRequest(shell("trap 'exit 3' TERM; while :; do sleep 0.1; done")),
      context,
    );
    await provider.stop(created, context);
    expect(await until(created, "stopped")).toMatchObject({ status: "stopped" });
  });

  test("that exits has failed, with its code", async () => {
    const created = await provider.create(createRequest(shell("sleep 0.3; exit 7")), context);
    expect((await until(created, "failed")).message).toContain("exit code 7");
  });

  test("that takes more memory than it has was out of memory", async () => {
    const hungry = shell('a=x; while :; do a="$a$a"; done');
    const created = await provider.create(createRequest({ ...hungry, memoryGb: 0.02 }), context);
    expect((await until(created, "failed")).message).toContain("out of memory");
  });

  test("whose program does not exist has failed, and its log names the program", async () => {
    const created = await provider.create(createRequest({ command: ["nosuch"] }), context);
    expect((await until(created, "failed")).message).toContain("exit code 127");
    expect((await linesOf(created)).map(({ line }) => line).join()).toContain("nosuch");
  });

  test.each([
    ["network", { network: "nosuch" }],
    ["runtime", { runtime: "nosuch" }],
  ])("with a %s that does not exist is refused, and leaves nothing", async (_, options) => {
    const error = await failureOf(provider.create(createRequest({ options }), context));
    expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
    expect(await daemon.containers()).toEqual([]);
  });

  test("writes its lines to the log in order, with their times, from both streams", async () => {
    const script = "for n in 1 2 ü; do echo out $n; sleep 0.05; echo err $n >&2; sleep 0.05; done; sleep 60";
    const created = await provider.create(createRequest(shell(script)), context);
    await expect.poll(async () => (await linesOf(created)).length).toBe(6);
    const lines = await linesOf(created);
    expect(lines.map(({ line }) => line)).toEqual(["out 1", "err 1", "out 2", "err 2", "out ü", "err ü"]);
    expect(lines.every(({ at }) => at !== undefined && Math.abs(at.getTime() - Date.now()) < 60_000)).toBe(
      true,
    );
    expect((await linesOf(created, 2)).map(({ line }) => line)).toEqual(["out ü", "err ü"]);
  });

  test("is limited to its CPUs and its memory", async () => {
    const created = await provider.create(createRequest({ cpus: 1, memoryGb: 0.25 }), context);
    const { HostConfig } = JSON.parse((await daemon.ask(`/containers/${created.providerId}/json`)).text);
    expect(HostConfig).toMatchObject({ Memory: 268_435_456, NanoCpus: 1e9, Init: true });
  });
});

describe("GPUs on the daemon", () => {
  const gpuRequest = (name: string, gpuCount = 1): ReturnType<typeof createRequest> => {
    const candidate = { gpu: "l4" };
    const script = shell("env | grep NVIDIA; ls /dev | grep nvidia; sleep 60");
    return createRequest({ ...script, gpus: ["l4"], gpuCount, candidate }, `atlas-default-${name}`);
  };

  test("are in the container, and only those that it has", async () => {
    await provider.create(gpuRequest("first"), context);
    const second = await provider.create(gpuRequest("second"), context);
    await expect
      .poll(async () => (await linesOf(second)).map(({ line }) => line))
      .toEqual(["NVIDIA_VISIBLE_DEVICES=1", "nvidia1"]);
  });

  test("are given once each to twelve creates of four applications that race for two", async () => {
    const applications = Array.from({ length: 4 }, () => connect());
    const racing = Array.from({ length: 12 }, (_, index) => {
      const application = applications[index % applications.length] ?? provider;
      return application.create(gpuRequest(`racer-${index}`), context);
    });
    const outcomes = await Promise.allSettled(racing);
    const created = outcomes.filter(({ status }) => status === "fulfilled");
    expect(created).toHaveLength(2);
    const listed = await daemon.containers();
    expect(listed.map(({ Labels, State }) => `${Labels["atlas.gpus"]} ${State}`).toSorted()).toEqual([
      "0 running",
      "1 running",
    ]);
  });

  test("that the daemon does not have are CAPACITY, and leave nothing", async () => {
    const other = connect({ devices: [{ id: "7", gpu: "l4" }] });
    const error = await failureOf(other.create(gpuRequest("seventh"), context));
    expect(error).toMatchObject({ code: "CAPACITY", mayHaveCreated: false });
    expect(await daemon.containers()).toEqual([]);
  });

  test("are found in the daemon's CDI files when no option names them", async () => {
    const plain = connect({ devices: undefined });
    expect(await plain.listGpuTypes(context)).toMatchObject([{ id: "any", stock: "medium" }]);
    const made = await plain.create(
      createRequest({ gpus: ["any"], gpuCount: 2, candidate: { gpu: "any" } }),
      context,
    );
    expect(made.gpuCount).toBe(2);
  });
});

describe("volumes on the daemon", () => {
  test("that are kept have their files at the user's next spawn, and at no other user's", async () => {
    const kept = { options: { volume: "keep" }, userId: "ada", volumePath: "/data" };
    const writer = await provider.create(
      createRequest({ ...kept, ...shell("echo mine > /data/file; sleep 60") }),
      context,
    );
    await expect.poll(async () => (await daemon.networksAndVolumes()).length).toBe(1);
    await sleep(300);
    await provider.terminate(writer, context);
    const show = shell("cat /data/file 2>/dev/null || echo none; sleep 60");
    const reader = await provider.create(createRequest({ ...kept, ...show }), context);
    await expect.poll(async () => (await linesOf(reader))[0]?.line).toBe("mine");
    const other = await provider.create(
      createRequest({ ...kept, ...show, userId: "bob" }, "atlas-default-bob"),
      context,
    );
    await expect.poll(async () => (await linesOf(other)).at(-1)?.line).toBe("none");
    const volumes = await provider.volumes.list("default", context);
    expect(volumes).toHaveLength(2);
    for (const each of [reader, other]) await provider.terminate(each, context);
    for (const { name } of volumes) await provider.volumes.remove(name, context);
    expect(await daemon.networksAndVolumes()).toEqual([]);
  });

  test("that are not kept end with their container", async () => {
    const created = await provider.create(createRequest({ volumeGb: 1, volumePath: "/data" }), context);
    expect(await daemon.networksAndVolumes()).toHaveLength(1);
    await provider.terminate(created, context);
    expect(await daemon.networksAndVolumes()).toEqual([]);
  });
});
