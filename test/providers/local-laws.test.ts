import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import {
  type ExistingInstance,
  type ProviderTraits,
  type ProviderUnderTest,
  providerLaws,
} from "../../src/laws/provider-laws.ts";
import type { PlacementRequest } from "../../src/provider.ts";
import { readEntries } from "../../src/providers/local/state-folder.ts";
import { context, makeWorld } from "./local/world.ts";

const placement: PlacementRequest = {
  gpus: [],
  gpuCount: 1,
  command: ["sh", "-c", "echo ready; exec sleep 60"],
  ports: [
    { internal: 8000, protocol: "http", name: "api" },
    { internal: 22, protocol: "tcp" },
  ],
  regions: [],
  metadata: { plan: "pro" },
  options: undefined,
};

const traits: ProviderTraits = {
  methods: ["find", "stop", "start", "logs"],
  duplicateNames: false,
  showsEnv: process.platform === "linux",
  placements: {
    "a CPU machine": placement,
    "a process in the region local": { ...placement, regions: ["elsewhere", "local"] },
    "a process without ports": { ...placement, ports: [] },
  },
};

async function make(): Promise<ProviderUnderTest> {
  const { provider, stateDirectory, end } = await makeWorld();
  return {
    provider,
    placement,
    instances: async () => {
      const entries = await readEntries(stateDirectory);
      return Promise.all(entries.map(({ instance }) => toExisting(instance.name)));
    },
    settle: (promise) => promise,
    advance: (seconds) => sleep(seconds * 1000),
    close: end,
  };

  async function toExisting(name: string): Promise<ExistingInstance> {
    const instance = await provider.get({ name }, context);
    if (instance === undefined) throw new Error(`${name} is on record and cannot be read`);
    const { status, providerId } = instance;
    const entry = (await readEntries(stateDirectory, name))[0];
    const env = entry?.process?.leader && (await readEnvironment(entry.process.leader.pid));
    return { name, providerId, alive: status !== "terminated", ...(env ? { env } : {}) };
  }
}

/** A process's environment as the system has it, without asking the process. */
async function readEnvironment(pid: number): Promise<Record<string, string> | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => undefined);
  const pairs = text?.split("\0").map((pair) => /^([^=]+)=(.*)$/s.exec(pair)?.slice(1));
  return pairs && Object.fromEntries(pairs.filter((pair) => pair !== undefined));
}

providerLaws({ describe, it }, "local()", traits, make);
