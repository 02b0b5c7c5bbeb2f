import { execFile } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import type { PlacementRequest } from "../../src/provider.ts";
import { local } from "../../src/providers/local/index.ts";
import { readProcess } from "../../src/providers/local/process-identity.ts";
import { collect, context, makeWorld, outputOf, pidsIn, requestFor, type World } from "./local/world.ts";

const programs = join(import.meta.dirname, "local/programs");
const execute = promisify(execFile);
const sleeper = ["sleep", "60"];

/** Every file under the state folder: its path, its mode and its text. */
async function filesOf({
  stateDirectory,
}: World): Promise<readonly { path: string; mode: number; text: string }[]> {
  const entries = await readdir(stateDirectory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({
      path: relative(stateDirectory, path),
      mode: (await stat(path)).mode & 0o777,
      text: await readFile(path, "utf8"),
    })),
  );
}

/** The pids a program has written into its log so far, once there are that many. */
function writtenPids(
  { provider }: World,
  instance: { name: string },
  count: number,
): Promise<readonly number[]> {
  return vi.waitFor(async () => {
    const pids = pidsIn(await collect(provider.logs(instance, { tail: 100, follow: false }, context)));
    expect(pids).toHaveLength(count);
    return pids;
  }, 10_000);
}

test("the command gets the request's env, its ports, and nothing else of the caller's but the way around", async () => {
  vi.stubEnv("APPLICATION_SECRET", "not for pods");
  const world = await makeWorld();
  const instance = await world.create([process.execPath, "-e", "console.log(JSON.stringify(process.env))"], {
    env: { MODEL: "llama", PORT: "80", ATLAS_OWNER: "owner-1", NODE_OPTIONS: "--no-warnings" },
    ports: [
      { internal: 8000, protocol: "http" },
      { internal: 22, protocol: "tcp" },
    ],
  });
  const [line = "{}"] = outputOf(await world.logOf(instance));
  const env = JSON.parse(line);
  const [first, second] = instance.ports.map(({ external }) => String(external));
  expect(env).toMatchObject({ MODEL: "llama", ATLAS_OWNER: "owner-1", PATH: process.env.PATH });
  expect(env).toMatchObject({ PORT: first, ATLAS_PORT_8000: first, ATLAS_PORT_22: second });
  expect(env).not.toHaveProperty("APPLICATION_SECRET");
  vi.unstubAllEnvs();
});

test("every requested port is reached at the URL that the create answered", async () => {
  const world = await makeWorld();
  const instance = await world.create([process.execPath, join(programs, "echo-server.ts")], {
    env: { GREETING: "hello" },
    ports: [8000, 9000].map((internal) => ({ internal, protocol: "http" })),
  });
  for (const { url, external } of instance.ports) {
    const body = await vi.waitFor(async () => (await fetch(`${url}/x?y=1`)).text(), 10_000);
    expect(body).toBe(`hello on ${external}/x?y=1`);
  }
});

test("a tcp port has a tcp address, and a name stays on its port", async () => {
  const world = await makeWorld();
  const { ports } = await world.create(sleeper, { ports: [{ internal: 22, protocol: "tcp", name: "ssh" }] });
  const external = ports[0]?.external;
  expect(ports).toEqual([
    { internal: 22, protocol: "tcp", name: "ssh", external, url: `tcp://127.0.0.1:${external}` },
  ]);
});

test.each([
  ["does not exist", "no-such-program", "ENOENT"],
  ["cannot be run", import.meta.filename, "EACCES"],
])("a command that %s is refused by its name, and leaves nothing behind", async (_, program, code) => {
  const world = await makeWorld();
  const created = world.create([program, "an argument"], { env: { TOKEN: "secret-value" } });
  await expect(created).rejects.toMatchObject({ code: "VALIDATION", message: expect.stringContaining(code) });
  await expect(created).rejects.toThrow(program);
  expect(await readdir(world.stateDirectory)).toEqual([]);
});

test("a command that ends with 0 is terminated, and is no longer listed", async () => {
  const world = await makeWorld();
  const ended = await world.reach(await world.create(["true"]), "terminated");
  expect(ended.message).toBe("exited with code 0");
  expect(await world.provider.list({ namePrefix: "atlas-" }, context)).toEqual([]);
});

test.each([
  ["ends with another code", "exit 3", "exited with code 3"],
  ["is killed", "kill -9 $$", "was ended by SIGKILL"],
])(
  "a command that %s is failed, says why, and is listed until it is terminated",
  async (_, script, message) => {
    const world = await makeWorld();
    const failed = await world.reach(await world.create(["sh", "-c", script]), "failed");
    expect(failed.message).toBe(message);
    expect(await world.provider.list({ namePrefix: failed.name }, context)).toMatchObject([
      { status: "failed" },
    ]);
    await world.provider.terminate(failed, context);
    expect(await world.provider.get(failed, context)).toMatchObject({ status: "terminated", message });
  },
);

test("terminate lets a program finish what it has to", async () => {
  const world = await makeWorld({ stopTimeoutSeconds: 10 });
  const script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
  const instance = await world.create(["sh", "-c", script]);
  await vi.waitFor(async () => {
    const lines = await collect(world.provider.logs(instance, { tail: 1, follow: false }, context));
    expect(lines).toMatchObject([{ line: "ready" }]);
  });
  await world.provider.terminate(instance, context);
  expect(outputOf(await world.logOf(instance))).toContain("bye");
  expect(await world.provider.get(instance, context)).toMatchObject({ message: "exited with code 0" });
});

test("terminate ends a whole tree of processes that ignore SIGTERM", async () => {
  const world = await makeWorld();
  const instance = await world.create(["sh", join(programs, "tree.sh")]);
  const pids = await writtenPids(world, instance, 3);
  await world.provider.terminate(instance, context);
  expect(await world.provider.get(instance, context)).toMatchObject({ status: "terminating" });
  await world.reach(instance, "terminated");
  expect(await Promise.all(pids.map((pid) => readProcess(pid)))).toEqual([undefined, undefined, undefined]);
});

test("what a command leaves running ends with it", async () => {
  const world = await makeWorld();
  const instance = await world.create(["sh", "-c", "sleep 60 & echo pid $!"]);
  const [pid = 0] = pidsIn(await world.logOf(instance));
  await world.reach(instance, "terminated");
  expect(await readProcess(pid)).toBeUndefined();
});

test("terminate with another instance's id ends nothing", async () => {
  const world = await makeWorld();
  const instance = await world.create(sleeper);
  await world.provider.terminate({ name: instance.name, providerId: "another" }, context);
  expect(await world.provider.get(instance, context)).toMatchObject({ status: "running" });
});

test("stop freezes the whole tree and start thaws it; a stopped tree can be terminated", async () => {
  const world = await makeWorld();
  const instance = await world.create(["sh", join(programs, "tree.sh")]);
  const pids = await writtenPids(world, instance, 3);
  const states = async (): Promise<readonly unknown[]> =>
    (await Promise.all(pids.map((pid) => readProcess(pid)))).map((facts) => facts?.state);
  await world.provider.stop(instance, context);
  await vi.waitFor(async () => expect(await states()).toEqual(["stopped", "stopped", "stopped"]));
  await world.provider.start(instance, context);
  await vi.waitFor(async () => expect(await states()).toEqual(["running", "running", "running"]));
  await world.provider.stop(instance, context);
  await world.provider.terminate(instance, context);
  await world.reach(instance, "terminated");
  expect(await states()).toEqual([undefined, undefined, undefined]);
});

test("what does not exist, or has ended, can neither be stopped nor started", async () => {
  const world = await makeWorld();
  const failed = await world.reach(await world.create(["sh", "-c", "exit 3"]), "failed");
  for (const method of ["stop", "start"] as const) {
    const absent = world.provider[method]({ name: "atlas-test-none" }, context);
    await expect(absent).rejects.toMatchObject({ code: "NOT_FOUND" });
    const ended = world.provider[method](failed, context);
    await expect(ended).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("exited with code 3"),
    });
  }
});

test("creates of one name at the same time make one process", async () => {
  const world = await makeWorld();
  const request = requestFor(["sh", "-c", "echo pid $$; exec sleep 60"]);
  const creates = Array.from({ length: 5 }, () => world.provider.create(request, context));
  const instances = await Promise.all(creates);
  expect(new Set(instances.map(({ providerId }) => providerId)).size).toBe(1);
  await writtenPids(world, request, 1);
});

test("logs have times and sources, the last lines first asked for, and new ones while they are followed", async () => {
  const world = await makeWorld();
  const before = new Date();
  const script = "echo one; echo two >&2; sleep 0.3; printf three";
  const instance = await world.create(["sh", "-c", script]);
  const lines = await world.logOf(instance);
  expect(lines.map(({ source, line }) => `${source}: ${line.replace(/\d+$/, "#")}`)).toEqual([
    "system: started sh as process #",
    "container: one",
    "container: two",
    "container: three",
    "system: exited with code #",
  ]);
  const times = lines.map(({ at }) => at?.getTime() ?? 0);
  expect(times).toEqual(times.toSorted((first, second) => first - second));
  expect(times[0]).toBeGreaterThanOrEqual(before.getTime());
  const tail = await collect(world.provider.logs(instance, { tail: 2, follow: false }, context));
  expect(tail).toEqual(lines.slice(-2));
});

test("following a log ends with the signal's reason when it aborts", async () => {
  const world = await makeWorld();
  const instance = await world.create(sleeper);
  const stop = new AbortController();
  const reading = collect(
    world.provider.logs(instance, { tail: 1, follow: true }, { ...context, signal: stop.signal }),
  );
  stop.abort(new Error("enough"));
  await expect(reading).rejects.toThrow("enough");
});

test("a signal that aborted before leaves nothing behind, and every method throws its reason", async () => {
  const world = await makeWorld();
  const aborted = { ...context, signal: AbortSignal.abort(new Error("too late")) };
  const reference = { name: "atlas-test-none" };
  await expect(world.provider.create(requestFor(sleeper), aborted)).rejects.toThrow("too late");
  expect(await readdir(world.stateDirectory)).toEqual([]);
  for (const method of ["get", "terminate", "stop", "start"] as const)
    await expect(world.provider[method](reference, aborted)).rejects.toThrow("too late");
});

test("a signal that aborts during the create ends what was begun", async () => {
  const world = await makeWorld();
  const stop = new AbortController();
  const request = requestFor(["sh", "-c", "echo pid $$; exec sleep 60"]);
  const created = world.provider.create(request, { ...context, signal: stop.signal });
  await vi.waitFor(async () => expect(await readdir(world.stateDirectory)).toContain(request.name), {
    interval: 1,
  });
  stop.abort(new Error("enough"));
  await expect(created).rejects.toThrow("enough");
  const ended = await vi.waitFor(async () => {
    const instance = await world.provider.get(request, context);
    expect(instance?.status).toBe("terminated");
    return instance;
  });
  expect(await world.provider.list({ namePrefix: "atlas-" }, context)).toEqual([]);
  for (const pid of pidsIn(await world.logOf(ended ?? expect.unreachable())))
    expect(await readProcess(pid)).toBeUndefined();
});

test("no env value is on disk, in a process's arguments or in what is answered", async () => {
  const world = await makeWorld();
  const instance = await world.create(sleeper, { env: { ATLAS_PRESHARED_KEY: "the-raw-token" } });
  const entry = await world.entryOf(instance);
  const pids = [entry.process?.supervisor.pid, entry.process?.leader?.pid];
  const files = await filesOf(world);
  const told = await Promise.all(pids.map((pid) => execute("ps", ["-o", "args=", "-p", String(pid)])));
  expect(files.map(({ path }) => path).length).toBeGreaterThan(2);
  expect(told.map(({ stdout }) => stdout).join()).toContain("sleep");
  expect(JSON.stringify([files, told, instance])).not.toContain("the-raw-token");
});

test("the state folder and what is in it are this user's alone", async () => {
  const world = await makeWorld();
  await world.create(sleeper);
  const folders = await readdir(world.stateDirectory);
  const paths = [world.stateDirectory, ...folders.map((name) => join(world.stateDirectory, name))];
  for (const path of paths) expect((await stat(path)).mode & 0o777).toBe(0o700);
  for (const { path, mode } of await filesOf(world)) expect([path, mode]).toEqual([path, 0o600]);
});

test("a record that cannot be read is an error that names its file, never an absence", async () => {
  const world = await makeWorld();
  const instance = await world.create(sleeper);
  const { folder } = await world.entryOf(instance);
  const path = join(folder, "instance.json");
  const text = await readFile(path, "utf8");
  onTestFinished(() => writeFile(path, text));
  await writeFile(path, "{}");
  const expected = { code: "PROVIDER", message: expect.stringContaining(path) };
  await expect(world.provider.get(instance, context)).rejects.toMatchObject(expected);
  await expect(world.provider.list({ namePrefix: "atlas-" }, context)).rejects.toMatchObject(expected);
  const created = world.create(sleeper, { ports: [{ internal: 8000, protocol: "http" }] });
  await expect(created).rejects.toMatchObject({ ...expected, mayHaveCreated: false });
});

test("a state folder that cannot be used is a refusal after which nothing can exist", async () => {
  const world = await makeWorld({ stateDirectory: "/dev/null/state" });
  await expect(world.create(sleeper)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    mayHaveCreated: false,
    message: expect.stringContaining("stateDirectory"),
  });
});

const placement: PlacementRequest = requestFor(sleeper);

test.each<[string, Partial<PlacementRequest>, string, string]>([
  ["a GPU", { gpus: ["h100"] }, "UNSUPPORTED", "mock()"],
  ["another region", { regions: ["US-KS-2"] }, "UNSUPPORTED", "US-KS-2"],
  ["a volume", { volumeGb: 20 }, "UNSUPPORTED", "volumeGb"],
  ["a network volume", { networkVolumeId: "vol_1" }, "UNSUPPORTED", "networkVolumeId"],
])("a request for %s is refused with what to do instead", async (_, wish, code, text) => {
  const refused = local().candidates({ ...placement, ...wish }, context);
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
});

test("a request without a command is refused, naming the field", async () => {
  const { command, ...without } = placement;
  const refused = local().candidates(without, context);
  await expect(refused).rejects.toMatchObject({
    code: "VALIDATION",
    details: { fields: [{ field: "command" }] },
  });
});

test("everything else is placed on this machine, for nothing", async () => {
  const generous = {
    ...placement,
    image: "ghcr.io/me/server:1",
    cpus: 512,
    memoryGb: 9000,
    regions: ["local"],
  };
  expect(await local().candidates(generous, context)).toEqual([{ region: "local", costPerHour: 0 }]);
});

test("Windows is refused in words", async () => {
  vi.spyOn(process, "platform", "get").mockReturnValue("win32");
  const refused = local().candidates(placement, context);
  await expect(refused).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining("WSL"),
  });
  vi.restoreAllMocks();
});

test.each([
  ["stateDirectory", { stateDirectory: "" }],
  ["stopTimeoutSeconds", { stopTimeoutSeconds: 0 }],
  ["clock", { clock: {} }],
  ["stateDir", { stateDir: "/var/lib" }],
])("the option %s is refused by its name when it is wrong", (field, options) => {
  const make = (): unknown => Reflect.apply(local, undefined, [options]);
  expect(make).toThrow(
    expect.objectContaining({
      code: "VALIDATION",
      details: { fields: [expect.objectContaining({ field })] },
    }),
  );
});
