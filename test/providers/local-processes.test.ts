import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, readdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Instance } from "../../src/provider.ts";
import { processPath, writeEnd, writeProcess } from "../../src/providers/local/instance-files.ts";
import { reservePorts } from "../../src/providers/local/ports.ts";
import {
  identify,
  observe,
  type ProcessIdentity,
  readProcess,
} from "../../src/providers/local/process-identity.ts";
import { KEPT_ENDED } from "../../src/providers/local/retention.ts";
import { claim } from "../../src/providers/local/state-folder.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { context, makeWorld } from "./local/world.ts";

const programs = join(import.meta.dirname, "local/programs");
const supervisorProgram = join(import.meta.dirname, "../../src/providers/local/local-supervisor.ts");
const sleeper = ["sleep", "60"];

/** Starts a script in a process of its own, which is gone when the test is over. */
function runScript(path: string, ...parameters: readonly string[]): ChildProcess {
  const script = spawn(process.execPath, [path, ...parameters], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  onTestFinished(() => void script.kill("SIGKILL"));
  return script;
}

/** The instances that a script prints when it is done. */
async function instancesOf(script: ChildProcess): Promise<readonly Instance[]> {
  return JSON.parse(await text(script.stdout ?? expect.unreachable()));
}

/** A process that has nothing to do with any instance. */
async function startBystander(): Promise<ProcessIdentity> {
  const bystander = spawn("sleep", ["60"], { detached: true });
  onTestFinished(() => void bystander.kill("SIGKILL"));
  return (await identify(Number(bystander.pid))) ?? expect.unreachable();
}

test("another process finds instances by name and owner, and ends them", async () => {
  const world = await makeWorld();
  const mine = await world.create(sleeper);
  const other = await world.create(sleeper, { owner: "owner-2" });
  const script = runScript(join(programs, "end-by-owner.ts"), world.stateDirectory, "atlas-test-", "owner-1");
  expect(await instancesOf(script)).toMatchObject([{ name: mine.name, owner: "owner-1", status: "running" }]);
  await world.reach(mine, "terminated");
  expect(await world.provider.get(other, context)).toMatchObject({ status: "running" });
});

test("instances outlive a creator that is killed, and can be found and ended", async () => {
  const world = await makeWorld();
  const creator = runScript(
    join(programs, "create-many.ts"),
    world.stateDirectory,
    "atlas-left-",
    "1",
    "stay",
  );
  const [printed] = await once(creator.stdout ?? expect.unreachable(), "data");
  const [created]: Instance[] = JSON.parse(String(printed));
  creator.kill("SIGKILL");
  await once(creator, "exit");
  const [found = expect.unreachable()] = await world.provider.list({ namePrefix: "atlas-left-" }, context);
  expect(found).toMatchObject({ providerId: created?.providerId, ports: created?.ports, status: "running" });
  const leader = (await world.entryOf(found)).process?.leader ?? expect.unreachable();
  await world.provider.terminate(found, context);
  await world.reach(found, "terminated");
  expect(await observe(leader)).toBeUndefined();
});

test("twenty creates at once from three processes get forty different ports", async () => {
  const world = await makeWorld();
  const scripts = [7, 7, 6].map((count, index) =>
    runScript(join(programs, "create-many.ts"), world.stateDirectory, `atlas-many${index}-`, String(count)),
  );
  const instances = (await Promise.all(scripts.map(instancesOf))).flat();
  const ports = instances.flatMap((instance) => instance.ports.map(({ external }) => external));
  expect(new Set(ports).size).toBe(40);
  const listed = await world.provider.list({ namePrefix: "atlas-many" }, context);
  expect(listed.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => "running"));
});

test("a port that is on record is not given out, and stays bound until the reservation is over", async () => {
  const everyPort = new Set(Array.from({ length: 65_536 }, (_, port) => port));
  const onRecord = [everyPort, everyPort, new Set<number>()];
  const reservation = await reservePorts(2, async () => onRecord.shift() ?? expect.unreachable());
  expect(onRecord).toEqual([]);
  expect(new Set(reservation.ports).size).toBe(2);
  for (const port of reservation.ports) await expect(listen(port)).rejects.toThrow("EADDRINUSE");
  await reservation.release();
  for (const port of reservation.ports) (await listen(port)).close();
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen({ host: "127.0.0.1", port });
  await once(server, "listening");
  return server;
}

test("a process that got an instance's id later is not taken for it, and not touched", async () => {
  const world = await makeWorld();
  const bystander = await startBystander();
  const instance = await world.reach(await world.create(["true"]), "terminated");
  const { folder } = await world.entryOf(instance);
  const stranger = { ...bystander, startMark: `${bystander.startMark}0` };
  await writeProcess(folder, { supervisor: stranger, leader: stranger });
  expect(await world.provider.get(instance, context)).toMatchObject({ status: "failed" });
  await world.provider.terminate(instance, context);
  expect(await world.provider.get(instance, context)).toMatchObject({ status: "terminated" });
  expect(await observe(bystander)).toBe("running");
});

test("an instance whose supervisor was killed is still seen, and ended with everything it started", async () => {
  const world = await makeWorld();
  const instance = await world.create(["sh", "-c", "sleep 60 & wait"]);
  const { supervisor, leader } = (await world.entryOf(instance)).process ?? expect.unreachable();
  process.kill(supervisor.pid, "SIGKILL");
  await vi.waitFor(async () => expect(await observe(supervisor)).toBeUndefined());
  expect(await world.provider.get(instance, context)).toMatchObject({ status: "running" });
  await world.provider.terminate(instance, context);
  await world.reach(instance, "terminated");
  expect(leader && (await observe(leader))).toBeUndefined();
});

test("an instance whose processes are all gone without a word is failed until it is terminated", async () => {
  const world = await makeWorld();
  const instance = await world.create(sleeper);
  const { supervisor, leader } = (await world.entryOf(instance)).process ?? expect.unreachable();
  for (const { pid } of [supervisor, leader ?? expect.unreachable()]) process.kill(pid, "SIGKILL");
  const failed = await world.reach(instance, "failed");
  expect(failed.message).toMatch(/killed|restarted/);
  await world.provider.terminate(instance, context);
  await world.reach(instance, "terminated");
});

test("a supervisor that is told to end takes the command along", async () => {
  const world = await makeWorld();
  const instance = await world.create(sleeper);
  const { supervisor, leader } = (await world.entryOf(instance)).process ?? expect.unreachable();
  process.kill(supervisor.pid, "SIGTERM");
  await world.reach(instance, "failed");
  expect(leader && (await observe(leader))).toBeUndefined();
});

test("an intent whose creator died before it started anything is provisioning, then failed, then terminated", async () => {
  const clock = manualClock();
  const world = await makeWorld({ clock });
  const name = "atlas-test-abandoned";
  await world.create(["true"]);
  const createdAt = clock.now().toISOString();
  await claim(world.stateDirectory, { name, providerId: "p", owner: "owner-1", createdAt, ports: [] });
  expect(await world.provider.get({ name }, context)).toMatchObject({ status: "provisioning" });
  await clock.advance(world.provider.bootTimeoutSeconds);
  expect(await world.provider.get({ name }, context)).toMatchObject({ status: "failed" });
  await world.provider.terminate({ name }, context);
  expect(await world.provider.get({ name }, context)).toMatchObject({ status: "terminated" });
});

test("a supervisor that comes up after the end was asked for starts nothing", async () => {
  const world = await makeWorld();
  const ended = await world.reach(await world.create(["true"]), "terminated");
  const { folder } = await world.entryOf(ended);
  await writeEnd(folder);
  const proof = join(folder, "started");
  const supervisor = runScript(supervisorProgram, folder, "1", "touch", proof);
  supervisor.send({ PATH: process.env.PATH });
  const [answer] = await once(supervisor, "message");
  expect(answer).toEqual({ refusal: "ENDED" });
  await once(supervisor, "exit");
  await expect(access(proof)).rejects.toThrow("ENOENT");
});

test("a supervisor whose creator dies before it told it what to do goes, and records nothing", async () => {
  const world = await makeWorld();
  const ended = await world.reach(await world.create(["true"]), "terminated");
  const { folder } = await world.entryOf(ended);
  const before = await readFile(processPath(folder), "utf8");
  const supervisor = runScript(supervisorProgram, folder, "1", "true");
  supervisor.disconnect();
  await once(supervisor, "exit");
  expect(await readFile(processPath(folder), "utf8")).toBe(before);
});

test("the newest ended instances stay on record, and only they; what runs always stays", async () => {
  const clock = manualClock();
  const world = await makeWorld({ clock });
  const running = await world.create(sleeper);
  const missing = { pid: 1, startMark: "never" };
  for (let index = 0; index < KEPT_ENDED + 5; index += 1) {
    const name = `atlas-old-${String(index).padStart(3, "0")}`;
    const at = new Date(Date.UTC(2020, 0, 1, 0, index)).toISOString();
    const record = { name, providerId: name, owner: "owner-1", createdAt: at, ports: [] };
    const folder = (await claim(world.stateDirectory, record)) ?? expect.unreachable();
    await writeProcess(folder, { supervisor: missing, exit: { at, code: 0 } });
  }
  await world.create(sleeper);
  const names = await readdir(world.stateDirectory);
  const kept = names.filter((name) => name.startsWith("atlas-old-")).toSorted();
  expect(kept).toHaveLength(KEPT_ENDED);
  expect(kept[0]).toBe("atlas-old-005");
  expect(names).toContain(running.name);
});

test("readProcess reads the same from ps as from /proc", async () => {
  const bystander = await startBystander();
  for (const platform of ["linux", "darwin"] as const) {
    const facts = await readProcess(bystander.pid, platform);
    expect(facts).toMatchObject({ state: "running" });
    expect(await readProcess(bystander.pid, platform)).toEqual(facts);
    expect(await readProcess(2 ** 30, platform)).toBeUndefined();
  }
  process.kill(bystander.pid, "SIGSTOP");
  for (const platform of ["linux", "darwin"] as const)
    await vi.waitFor(async () =>
      expect(await readProcess(bystander.pid, platform)).toMatchObject({ state: "stopped" }),
    );
});
