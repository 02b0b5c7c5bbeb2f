import { AtlasError } from "../../errors.ts";
import type { CreateRequest, InstanceReference, InstanceStatus, LogLine } from "../../provider.ts";
import { offeredFor } from "./catalogue.ts";
import type { MockSettings } from "./options.ts";
import type { MockInstance, MockStranger } from "./types.ts";

/** What an instance is for good. */
export interface MachineFacts extends Omit<MockInstance, "id" | "status" | "message" | "ports"> {
  readonly ports: CreateRequest["ports"];
  /** Tells its outside tcp ports from those of other machines. */
  readonly number: number;
}

type Place = Pick<MachineFacts, "gpu" | "gpuCount" | "region" | "costPerHour">;

/** A state that an instance will be in from some moment on. */
interface Change {
  readonly at: number;
  readonly status: InstanceStatus;
  readonly message?: string;
}

/** An instance behind the API. */
export interface Machine {
  readonly facts: MachineFacts;
  readonly lines: LogLine[];
  status: InstanceStatus;
  message: string | undefined;
  next: Change | undefined;
}

/** Every instance of one mock, and what time does to them. */
export class Fleet {
  readonly #settings: MockSettings;
  readonly #machines: Machine[] = [];

  constructor(settings: MockSettings) {
    this.#settings = settings;
  }

  /** Every instance there ever was. */
  all(): readonly Machine[] {
    const now = this.#now();
    for (const machine of this.#machines)
      if (machine.next !== undefined && now >= machine.next.at) enter(machine, machine.next);
    return this.#machines;
  }

  /** Those that the API shows: not gone, and no longer too new. */
  visible(): readonly Machine[] {
    const newest = this.#now() - this.#settings.listLagSeconds * 1000;
    return this.all().filter(
      ({ status, facts }) => status !== "terminated" && facts.createdAt.getTime() <= newest,
    );
  }

  /** Those that the API takes the reference for. */
  named({ name, providerId }: InstanceReference): readonly Machine[] {
    return this.visible().filter(({ facts }) =>
      providerId === undefined ? facts.name === name : facts.providerId === providerId,
    );
  }

  /** The youngest instance with this name or providerId, as the test's controls see it. */
  one(nameOrId: string): Machine {
    const found = this.all().findLast(
      ({ facts }) => facts.name === nameOrId || facts.providerId === nameOrId,
    );
    if (found !== undefined) return found;
    throw new AtlasError("NOT_FOUND", `${this.#settings.name} has never had an instance ${nameOrId}.`);
  }

  create(request: CreateRequest, bootFailure: string | undefined): Machine {
    const { name, owner, env, image, command, ports, metadata, options } = request;
    const existing = this.#namesake(name);
    if (existing !== undefined) return existing;
    const asked = {
      ...(image === undefined ? {} : { image }),
      ...(command === undefined ? {} : { command }),
    };
    const identity = { name, owner, env, ports, metadata, options };
    const machine = this.#add({ ...this.#place(request), ...asked, ...identity });
    this.#boot(machine, bootFailure);
    return machine;
  }

  add({ name, owner, env = {}, status = "running" }: MockStranger): Machine {
    const tag = owner === undefined ? {} : { owner };
    const place = { costPerHour: this.#settings.cpuCostPerHour, ports: [], metadata: {}, options: undefined };
    const machine = this.#add({ ...place, ...tag, name, env });
    machine.status = status;
    return machine;
  }

  terminate(machine: Machine): void {
    if (machine.status === "terminating" || machine.status === "terminated") return;
    enter(machine, { status: "terminating" });
    machine.next = { at: this.#now() + this.#settings.terminateSeconds * 1000, status: "terminated" };
    this.all();
  }

  stop(machine: Machine): void {
    if (machine.status === "provisioning" || machine.status === "running")
      enter(machine, { status: "stopped" });
  }

  start(machine: Machine): void {
    if (machine.status === "stopped") this.#boot(machine, undefined);
  }

  #namesake(name: string): Machine | undefined {
    if (!this.#settings.uniqueNames) return undefined;
    return this.all().find(({ facts, status }) => facts.name === name && status !== "terminated");
  }

  #boot(machine: Machine, failure: string | undefined): void {
    const at = this.#now() + this.#settings.bootSeconds * 1000;
    enter(machine, { status: "provisioning" });
    machine.next =
      failure === undefined ? { at, status: "running" } : { at, status: "failed", message: failure };
  }

  #place({ candidate, gpuCount }: CreateRequest): Place {
    const offered = offeredFor(this.#settings, candidate);
    const region = candidate.region ?? (offered ?? this.#settings).regions[0];
    return {
      ...(region === undefined ? {} : { region }),
      ...(offered === undefined ? {} : { gpu: offered.name ?? offered.id, gpuCount }),
      costPerHour: offered === undefined ? this.#settings.cpuCostPerHour : offered.costPerHour * gpuCount,
    };
  }

  #add(facts: Omit<MachineFacts, "providerId" | "number" | "createdAt">): Machine {
    const number = this.#machines.length + 1;
    const identity = {
      number,
      providerId: `${this.#settings.name}-${number}`,
      createdAt: new Date(this.#now()),
    };
    const machine: Machine = {
      facts: { ...facts, ...identity },
      lines: [],
      status: "provisioning",
      message: undefined,
      next: undefined,
    };
    this.#machines.push(machine);
    return machine;
  }

  #now(): number {
    return this.#settings.clock.now().getTime();
  }
}

/** Puts a machine into a state in which it stays. */
export function enter(machine: Machine, { status, message }: Pick<Change, "status" | "message">): void {
  machine.status = status;
  machine.message = message;
  machine.next = undefined;
}
