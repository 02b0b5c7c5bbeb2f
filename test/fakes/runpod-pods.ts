/** The pods behind the fake of RunPod, and the effect of time and actions on them. */
import type { Clock } from "../../src/clock.ts";
import type { Json } from "./specs.ts";

/** The states of a pod. */
export type PodStatus = "PROVISIONING" | "STARTING" | "RUNNING" | "EXITED" | "ERROR" | "TERMINATED";

/** A line of a pod's log. */
export interface FakeLogLine {
  readonly source: "container" | "system";
  readonly line: string;
  readonly ts: string;
}

/** The validated body of a create. */
export interface CreateBody extends Json {
  readonly name: string;
  readonly image?: string;
  readonly cloud?: "SECURE" | "COMMUNITY";
  readonly gpu?: { readonly id: string; readonly count?: number };
  readonly cpu?: { readonly id: string; readonly vcpuCount: number };
  readonly dataCenterIds?: readonly string[];
  readonly disk?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly cmd?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly mounts?: Json;
  readonly registry?: string | null;
}

/** A pod. */
export interface FakePod {
  readonly id: string;
  readonly body: CreateBody;
  readonly createdAt: number;
  readonly lines: FakeLogLine[];
  /** Called on a new line, and at the end of the pod. */
  readonly listeners: Set<() => void>;
  /** The time of its last boot. */
  startedAt: number;
  /** The state that an action or a test set; otherwise the state follows from the time. */
  forced: PodStatus | undefined;
  /** The time at which that state was set. */
  forcedAt: number;
}

/** The delays of the pods. */
export interface PodTimes {
  readonly clock: Clock;
  /** Seconds from create or start to RUNNING. */
  readonly bootSeconds: number;
  /** Seconds in which a new pod is missing from every answer. */
  readonly listLagSeconds: number;
  /** Seconds in which an ended pod still answers to its id, and refuses to be ended. */
  readonly lingerSeconds: number;
}

/** All pods, ended ones too. */
export class FakePods {
  readonly all: FakePod[] = [];
  readonly #times: PodTimes;

  constructor(times: PodTimes) {
    this.#times = times;
  }

  create(body: CreateBody): FakePod {
    const now = this.#now();
    const id = `fake${String(this.all.length + 1).padStart(10, "0")}`;
    const pod: FakePod = {
      id,
      body,
      createdAt: now,
      startedAt: now,
      lines: [],
      listeners: new Set(),
      forced: undefined,
      forcedAt: now,
    };
    this.all.push(pod);
    return pod;
  }

  /** The pods that reads show. */
  visible(): readonly FakePod[] {
    const newest = this.#now() - this.#times.listLagSeconds * 1000;
    return this.all.filter((pod) => pod.forced !== "TERMINATED" && pod.createdAt <= newest);
  }

  find(id: string): FakePod | undefined {
    const newest = this.#now() - this.#times.lingerSeconds * 1000;
    const lingering = this.all.filter((pod) => pod.forced === "TERMINATED" && pod.forcedAt > newest);
    return [...this.visible(), ...lingering].find((pod) => pod.id === id);
  }

  statusOf({ forced, startedAt }: FakePod): PodStatus {
    if (forced !== undefined) return forced;
    const booted = (this.#now() - startedAt) / 1000;
    if (booted >= this.#times.bootSeconds) return "RUNNING";
    return booted >= this.#times.bootSeconds / 2 ? "STARTING" : "PROVISIONING";
  }

  force(pod: FakePod, status: PodStatus | undefined): void {
    pod.forced = status;
    pod.forcedAt = this.#now();
    if (status === undefined) pod.startedAt = this.#now();
    for (const listener of pod.listeners) listener();
  }

  log(pod: FakePod, line: string, source: FakeLogLine["source"] = "container"): void {
    const ts = new Date(this.#now() + pod.lines.length).toISOString();
    pod.lines.push({ source, line, ts });
    for (const listener of pod.listeners) listener();
  }

  /** The pod in an answer. */
  toWire(pod: FakePod, price: number): Json {
    const { body } = pod;
    const status = this.statusOf(pod);
    const ended = status === "EXITED" || status === "TERMINATED";
    return {
      id: pod.id,
      name: body.name,
      status,
      actions: ACTIONS[status],
      image: body.image ?? "from/template:1",
      args: "",
      cmd: body.cmd ?? [],
      entrypoint: body.entrypoint ?? [],
      disk: body.disk ?? 50,
      mounts: body.mounts ?? {},
      ports: body.ports ?? [],
      env: { ...body.env },
      registry: body.registry ?? null,
      ...(body.gpu === undefined
        ? { cpu: { ...body.cpu, memory: 8 } }
        : { gpu: { id: body.gpu.id, count: body.gpu.count } }),
      cloud: body.cloud ?? "SECURE",
      dataCenterId: status === "PROVISIONING" ? null : (body.dataCenterIds?.[0] ?? "US-KS-2"),
      cudaVersion: null,
      ssh: { proxy: null, direct: null },
      template: null,
      cost: ended || status === "PROVISIONING" ? 0 : price,
      locked: false,
      globalNetworking: { enabled: false },
      runtime: status === "RUNNING" || status === "EXITED" ? this.#runtime(pod) : null,
      createdAt: new Date(pod.createdAt).toISOString(),
      startedAt: status === "PROVISIONING" ? null : new Date(pod.startedAt).toISOString(),
    };
  }

  /** A stopped pod still shows its former runtime, like a real one. */
  #runtime(pod: FakePod): Json {
    const ports = (pod.body.ports ?? []).map((text, index) => {
      const [number, type] = text.split("/");
      const http = { private: Number(number), public: 60_000 + index, type, ip: "100.65.0.1" };
      return type === "http"
        ? http
        : { ...http, public: 30_000 + Number(pod.id.slice(4)) * 20 + index, ip: "194.68.245.10" };
    });
    return { uptime: 60, gpus: [{ util: 0, memoryUtil: 0 }], cpu: { util: 1 }, memory: { util: 1 }, ports };
  }

  #now(): number {
    return this.#times.clock.now().getTime();
  }
}

/** The actions that a pod accepts in each state. */
export const ACTIONS: Readonly<Record<PodStatus, readonly string[]>> = {
  PROVISIONING: ["stop", "terminate"],
  STARTING: ["stop", "terminate"],
  RUNNING: ["stop", "restart", "terminate"],
  EXITED: ["start", "terminate"],
  ERROR: ["start", "terminate"],
  TERMINATED: [],
};
