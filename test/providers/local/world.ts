/** A state folder of its own, and what tests do with the instances in it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import type { CallContext } from "../../../src/call-context.ts";
import type { CreateRequest, Instance, InstanceStatus, LogLine, Provider } from "../../../src/provider.ts";
import { type LocalOptions, local } from "../../../src/providers/local/index.ts";
import { signalGroup, signalProcess } from "../../../src/providers/local/process-group.ts";
import { observe, type ProcessIdentity } from "../../../src/providers/local/process-identity.ts";
import { type Entry, readEntries } from "../../../src/providers/local/state-folder.ts";

/** A provider on a state folder that is gone, with all that ran in it, when the test is over. */
export interface World {
  readonly stateDirectory: string;
  readonly provider: Required<
    Omit<Provider, "parseOptions" | "listGpuTypes" | "close" | "lookSeconds" | "budget" | "edge">
  >;
  create(command: readonly string[], more?: Partial<CreateRequest>): Promise<Instance>;
  /** The instance, once it has this status. */
  reach(instance: Instance, status: InstanceStatus): Promise<Instance>;
  /** Its whole log, once it has ended. */
  logOf(instance: Instance): Promise<readonly LogLine[]>;
  /** Its record. */
  entryOf(instance: Pick<Instance, "name">): Promise<Entry>;
  /** Ends it before the test is over. */
  end(): Promise<void>;
}

export const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };

let count = 0;

/** A request for a command. */
export function requestFor(command: readonly string[], more: Partial<CreateRequest> = {}): CreateRequest {
  count += 1;
  return {
    name: `atlas-test-${process.pid}-${count}`,
    owner: "owner-1",
    env: {},
    candidate: { region: "local", costPerHour: 0 },
    gpus: [],
    gpuCount: 1,
    command,
    ports: [],
    regions: [],
    metadata: {},
    options: undefined,
    ...more,
  };
}

export async function makeWorld(options: LocalOptions = {}): Promise<World> {
  const stateDirectory = await mkdtemp(join(tmpdir(), "atlas-local-"));
  onTestFinished(() => endWorld(stateDirectory));
  const provider = local({ stateDirectory, stopTimeoutSeconds: 0.3, ...options }) as World["provider"];
  return {
    stateDirectory,
    provider,
    create: (command, more) => provider.create(requestFor(command, more), context),
    reach: (instance, status) => reach(provider, instance, status),
    logOf: (instance) => collect(provider.logs(instance, { tail: 1000, follow: true }, context)),
    async entryOf({ name }) {
      const entry = (await readEntries(stateDirectory, name))[0];
      if (entry === undefined) throw new Error(`${name} is not on record`);
      return entry;
    },
    end: () => endWorld(stateDirectory),
  };
}

/** Everything that a sequence yields. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

function reach(provider: Provider, instance: Instance, status: InstanceStatus): Promise<Instance> {
  return vi.waitFor(
    async () => {
      const now = await provider.get(instance, context);
      if (now?.status !== status) throw new Error(`${instance.name} is ${now?.status}, not ${status}`);
      return now;
    },
    { timeout: 10_000, interval: 20 },
  );
}

/** The ids that a program wrote into its log, each in a line `pid <number>`. */
export function pidsIn(lines: readonly LogLine[]): readonly number[] {
  return lines.flatMap(({ line }) => (line.startsWith("pid ") ? [Number(line.slice(4))] : []));
}

/** The lines the program itself wrote. */
export function outputOf(lines: readonly LogLine[]): readonly string[] {
  return lines.filter(({ source }) => source === "container").map(({ line }) => line);
}

/** Ends everything on record by its own ids, whatever the provider thinks of it, and removes the folder. */
async function endWorld(stateDirectory: string): Promise<void> {
  for (const { process: record } of await readEntries(stateDirectory)) {
    if (record?.leader && (await observe(record.leader))) signalGroup(record.leader.pid, "SIGKILL");
    if (record?.supervisor && (await observe(record.supervisor))) await endSupervisor(record.supervisor);
  }
  await rm(stateDirectory, { recursive: true, force: true });
}

async function endSupervisor(supervisor: ProcessIdentity): Promise<void> {
  signalProcess(supervisor.pid, "SIGTERM");
  await vi.waitFor(async () => expect(await observe(supervisor)).toBeUndefined(), 5000);
}
