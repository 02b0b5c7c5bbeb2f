/** The instances of a mock, and the effect of time on them. */
import { AtlasError } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type { CreateRequest, InstanceReference, InstanceStatus, LogLine } from "../../provider.ts";
import { offeredFor } from "./candidates.ts";
import type { MockSettings } from "./options.ts";
import type { MockInstance, MockStranger } from "./types.ts";

/** The facts of an instance that never change. */
export interface MachineFacts extends Omit<MockInstance, "id" | "status" | "message" | "ports"> {
  readonly ports: CreateRequest["ports"];
  /** Its number, which makes its external tcp ports unique. */
  readonly number: number;
}

type Place = Pick<MachineFacts, "gpu" | "gpuCount" | "region" | "costPerHour">;

/** A status that an instance enters at a given time. */
interface Transition {
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
  /** The account that it is in. */
  readonly account: string;
  next: Transition | undefined;
}

/** The instances of one mock. */
export class Fleet {
  readonly #settings: MockSettings;
  readonly #machines: Machine[] = [];
  /** The account of the API's key. */
  account = "mock-account";

  constructor(settings: MockSettings) {
    this.#settings = settings;
  }

  /** Every instance, ended ones too. */
  all(): readonly Machine[] {
    const now = this.#now();
    for (const machine of this.#machines)
      if (machine.next !== undefined && now >= machine.next.at) enter(machine, machine.next);
    return this.#machines;
  }

  /** The instances that the API shows: those of the key's account that have not ended and are older than the list lag. */
  visible(): readonly Machine[] {
    const newest = this.#now() - this.#settings.listLagSeconds * 1000;
    return this.all().filter(
      ({ status, facts, account }) =>
        account === this.account && status !== "terminated" && facts.createdAt.getTime() <= newest,
    );
  }

  /** The visible instances that the reference means. */
  named({ name, providerId }: InstanceReference): readonly Machine[] {
    return this.visible().filter(({ facts }) =>
      providerId === undefined ? facts.name === name : facts.providerId === providerId,
    );
  }

  /** The newest instance with this name or providerId, for the test's controls. */
  one(nameOrId: string): Machine {
    const found = this.all().findLast(
      ({ facts }) => facts.name === nameOrId || facts.providerId === nameOrId,
    );
    if (found !== undefined) return found;
    throw new AtlasError("NOT_FOUND", `${this.#settings.name} never had an instance ${nameOrId}.`);
  }

  create(request: CreateRequest, bootFailure: string | undefined): Machine {
    const { name, owner, env, image, command, ports, metadata, options } = request;
    const existing = this.#namesake(name);
    if (existing !== undefined) return existing;
    const given = { ...defined({ image, command }), name, owner, env, ports, metadata, options };
    const machine = this.#add({ ...this.#place(request), ...given });
    this.#boot(machine, bootFailure);
    return machine;
  }

  add({ name, owner, env = {}, status = "running" }: MockStranger): Machine {
    const place = { costPerHour: this.#settings.cpuCostPerHour, ports: [], metadata: {}, options: undefined };
    const machine = this.#add({ ...place, ...defined({ owner }), name, env });
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
    return this.all().find(
      ({ facts, status, account }) =>
        account === this.account && facts.name === name && status !== "terminated",
    );
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
    if (offered === undefined) return defined({ region, costPerHour: this.#settings.cpuCostPerHour });
    const costPerHour = offered.costPerHour * gpuCount;
    return defined({ region, gpu: offered.name ?? offered.id, gpuCount, costPerHour });
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
      account: this.account,
      next: undefined,
    };
    this.#machines.push(machine);
    return machine;
  }

  #now(): number {
    return this.#settings.clock.now().getTime();
  }
}

/** Puts a machine into a status, and drops its pending transition. */
export function enter(machine: Machine, { status, message }: Pick<Transition, "status" | "message">): void {
  machine.status = status;
  machine.message = message;
  machine.next = undefined;
}
