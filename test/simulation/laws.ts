/** The laws of the design as invariants, judged at every call. Each finding names its law. */
import { type ComputeRecord, type ComputeStatus, isLive, type NewEvent } from "../../src/store.ts";
import { LookLaws, type LookSight } from "./look-laws.ts";
import type { Call, Process } from "./process.ts";

/** An instance behind the provider's API. */
export interface SimulatedInstance {
  readonly id: string;
  readonly name: string;
  readonly owner?: string;
  readonly status: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The other side, as the laws see it. */
export interface Sight extends LookSight {
  readonly instances: () => readonly SimulatedInstance[];
  readonly owner: string;
  readonly limits: { readonly computes?: number };
  /** True for a process of another deployment, which may change nothing. */
  readonly isForeign: (process: Process) => boolean;
}

/** The most calls that one process of a simulation needs. Many more mean that retries nest. */
const MAX_CALLS = 10_000;

/** States that may follow each state. An end that was begun is taken back only where its instance turned up again. */
const NEXT: Readonly<Record<ComputeStatus, readonly ComputeStatus[]>> = {
  pending: ["provisioning", "running", "stopped", "failed", "uncertain", "terminating", "terminated"],
  uncertain: ["provisioning", "running", "stopped", "terminating", "terminated"],
  provisioning: ["running", "stopped", "terminating", "terminated"],
  running: ["stopped", "terminating", "terminated"],
  stopped: ["provisioning", "running", "terminating", "terminated"],
  terminating: ["terminated"],
  // A create that was under way when its compute ended begins the end again. One that had vanished may be shown again.
  terminated: ["terminating", "provisioning", "running", "stopped"],
  failed: ["terminating"],
};

/** The invariants of one simulation. */
export class Laws {
  readonly problems: string[] = [];
  /** The records as they are stored. */
  readonly records: Map<string, ComputeRecord> = new Map();
  /** For each name, how its creates went: `sent` while that is open, `refused` where nothing was created. */
  readonly #creates = new Map<string, ("sent" | "refused")[]>();
  readonly #sight: Sight;
  readonly #looks: LookLaws;

  constructor(sight: Sight) {
    this.#sight = sight;
    this.#looks = new LookLaws(sight, (law, what) => this.#break(law, what));
  }

  /** Judges a call when a process makes it. */
  sent(process: Process, call: Call): void {
    if (process.calls === MAX_CALLS)
      this.#break(10, `${process.name} makes more than ${MAX_CALLS} calls: its retries have no bound`);
    if (call.side !== "provider") return;
    this.#looks.sent(process, call, () => this.live);
    const [reference] = call.parameters;
    if (!isReference(reference)) return;
    if (call.method === "create") this.#createSent(process, reference.name);
    if (call.method === "terminate") this.#terminateSent(process, reference);
  }

  /** Judges what a call did, once it took effect. */
  done(process: Process, call: Call, answer: unknown): void {
    const [parameter, event] = call.parameters;
    if (call.side !== "store") return;
    if (call.method === "insert" && isRecord(parameter) && answer === undefined)
      this.#wrote(process, parameter);
    if (call.method === "replace" && isRecord(parameter) && answer === true)
      this.#wrote(process, parameter, isEvent(event) ? event : undefined);
    if (call.method === "claimDue" && Array.isArray(answer))
      for (const { record } of answer) this.#claimed(process, record);
  }

  /** Notes that the provider refused a create, cleanly. */
  refused(name: string): void {
    this.#creates.set(name, [...(this.#creates.get(name) ?? []).slice(0, -1), "refused"]);
  }

  /** The live records. */
  get live(): readonly ComputeRecord[] {
    return [...this.records.values()].filter(({ status }) => isLive(status));
  }

  #createSent(process: Process, name: string): void {
    this.#forbidForeign(process, `created ${name}`);
    const record = this.#named(name);
    if (record === undefined) this.#break(1, `${process.name} creates ${name}, which is not recorded`);
    const earlier = this.#creates.get(name) ?? [];
    if (earlier.includes("sent"))
      this.#break(2, `${process.name} creates ${name} again, whose first create may have worked`);
    this.#creates.set(name, [...earlier, "sent"]);
  }

  #terminateSent(process: Process, { name, providerId }: Reference): void {
    this.#forbidForeign(process, `ended ${name}`);
    const meant = this.#sight
      .instances()
      .filter((one) => (providerId === undefined ? one.name === name : one.id === providerId));
    for (const instance of meant)
      if (instance.owner !== this.#sight.owner || instance.name !== name)
        this.#break(5, `${process.name} ends ${instance.id} (${instance.name}), which is another owner's`);
    const record = this.#named(name);
    const isInUse = record !== undefined && isLive(record.status) && record.status !== "terminating";
    if (!isInUse) return;
    if (record.providerId === null ? this.#isOldest(name, providerId) : record.providerId === providerId)
      this.#break(4, `${process.name} ends ${providerId ?? name}, whose compute is ${record.status}`);
  }

  #wrote(process: Process, next: ComputeRecord, event?: NewEvent): void {
    this.#forbidForeign(process, `wrote ${next.id}`);
    const before = this.records.get(next.id);
    this.records.set(next.id, next);
    this.#looks.wrote(process, before, next, event);
    if (before !== undefined && before.status !== next.status) this.#moved(process, before, next);
    if (!isLive(next.status)) this.#ended(process, next);
    else if (next.reason !== null && next.status !== "terminating" && next.status !== "uncertain")
      this.#break(4, `${process.name} left ${next.id} ${next.status} with the reason ${next.reason}`);
    this.#checkShares(next);
  }

  #moved(process: Process, before: ComputeRecord, next: ComputeRecord): void {
    const { id } = next;
    if (!NEXT[before.status].includes(next.status))
      this.#break(4, `${process.name} took ${id} from ${before.status} to ${next.status}`);
    const isRevived = !isLive(before.status) && isLive(next.status) && next.status !== "terminating";
    if (isRevived && before.reason !== "vanished")
      this.#break(4, `${process.name} took ${id} back, which had ended as ${before.reason}`);
  }

  /** An end is final only where no instance is left. */
  #ended(process: Process, { id, name, status, reason }: ComputeRecord): void {
    const left = this.#ofName(name).filter((instance) => instance.status !== "terminated");
    if (left.length > 0)
      this.#break(4, `${process.name} wrote that ${id} is ${status} (${reason}), and ${left[0]?.id} lives`);
    if (reason === null) this.#break(4, `${process.name} ended ${id} without a reason`);
  }

  /** A lease keeps others away until its time is over. */
  #claimed(process: Process, record: ComputeRecord): void {
    this.#forbidForeign(process, `claimed ${record.id}`);
    const before = this.records.get(record.id);
    if ((before?.leaseUntil?.getTime() ?? 0) > this.#sight.now())
      this.#break(9, `${process.name} claimed ${record.id}, which has a lease`);
    this.records.set(record.id, record);
  }

  /** Slots and limits hold, whatever races. */
  #checkShares(next: ComputeRecord): void {
    const { live } = this;
    const inSlot = live.filter(
      ({ slot, userId }) => slot !== null && slot === next.slot && userId === next.userId,
    );
    if (inSlot.length > 1) this.#break(4, `${inSlot.length} live computes hold the slot ${next.slot}`);
    const { computes } = this.#sight.limits;
    if (computes !== undefined && live.length > computes)
      this.#break(4, `${live.length} computes are live, and ${computes} are allowed`);
  }

  #forbidForeign(process: Process, did: string): void {
    if (this.#sight.isForeign(process)) this.#break(16, `${process.name}, of another deployment, ${did}`);
  }

  #ofName(name: string): readonly SimulatedInstance[] {
    return this.#sight.instances().filter((one) => one.name === name && one.owner === this.#sight.owner);
  }

  #isOldest(name: string, providerId: string | undefined): boolean {
    const [oldest] = this.#ofName(name).filter(({ status }) => status !== "terminated");
    return oldest !== undefined && (providerId === undefined || oldest.id === providerId);
  }

  #named(name: string): ComputeRecord | undefined {
    return [...this.records.values()].find((record) => record.name === name);
  }

  #break(law: number, what: string): void {
    this.problems.push(`law ${law}: ${what}`);
  }
}

interface Reference {
  readonly name: string;
  readonly providerId?: string;
}

function isReference(value: unknown): value is Reference {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}

function isEvent(value: unknown): value is NewEvent {
  return typeof value === "object" && value !== null && "type" in value && "data" in value;
}

function isRecord(value: unknown): value is ComputeRecord {
  return isReference(value) && "version" in value;
}
