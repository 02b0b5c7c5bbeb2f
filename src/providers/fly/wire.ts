/** The Machines API's wire format: schemas of the answers, as far as this adapter reads them, and types of the bodies it sends. */
import * as z from "zod/mini";

const text = z.nullish(z.string());
const number = z.nullish(z.number());
const texts = z.nullish(z.record(z.string(), z.string()));

/** An error's body. `status` is Fly's own code, where the error has one. */
export const errorBody = z.object({ error: text, status: text });

/** An app. */
export const appAnswer = z.looseObject({
  name: z.string(),
  organization: z.nullish(z.object({ slug: text })),
});
export type App = z.infer<typeof appAnswer>;

/** An entry of a list, before its name tells whether it is ours. What another program created may have any form. */
const anyEntry = z.looseObject({ name: z.nullable(z.string()) });
export type AnyEntry = z.infer<typeof anyEntry>;

/** `GET /apps`. An empty list may be `null`. */
export const appListAnswer = z.object({ apps: z.nullable(z.array(anyEntry)), total_apps: number });

/** An app in the list of its organization. */
export const listedApp = z.object({ name: z.string(), network: text });
export type ListedApp = z.infer<typeof listedApp>;

/** `GET /apps/{app}/ip_assignments`. */
export const addressListAnswer = z.object({
  ips: z.nullish(z.array(z.object({ ip: z.string(), shared: z.nullish(z.boolean()) }))),
});
export type Address = NonNullable<z.infer<typeof addressListAnswer>["ips"]>[number];

/** `GET /tokens/current`. */
export const tokensAnswer = z.object({
  tokens: z.nullish(z.array(z.object({ organization: text, org_slug: text }))),
});

/** A volume that was created. */
export const volumeAnswer = z.object({ id: z.string().check(z.minLength(1)) });

const servicePort = z.object({
  port: number,
  handlers: z.nullish(z.array(z.string())),
  force_https: z.nullish(z.boolean()),
});
const service = z.object({
  protocol: text,
  internal_port: number,
  ports: z.nullish(z.array(servicePort)),
});
const guest = z.object({ cpu_kind: text, cpus: number, memory_mb: number });
const config = z.looseObject({
  guest: z.nullish(guest),
  metadata: texts,
  services: z.nullish(z.array(service)),
});
export type WireConfig = z.infer<typeof config>;
export type WireGuest = z.infer<typeof guest>;

const exitEvent = z.object({
  exit_code: number,
  oom_killed: z.nullish(z.boolean()),
  requested_stop: z.nullish(z.boolean()),
});
const event = z.object({
  type: text,
  status: text,
  timestamp: number,
  request: z.nullish(z.object({ exit_event: z.nullish(exitEvent) })),
});
export type MachineEvent = z.infer<typeof event>;

/** The form of a machine's id, which becomes a part of paths and headers. */
export const MACHINE_ID: RegExp = /^[0-9a-z]{1,64}$/;

/** A machine in an answer of its app. */
export const machineAnswer = z.looseObject({
  id: z.string().check(z.regex(MACHINE_ID)),
  name: z.string(),
  state: z.string(),
  /** The version of the machine. */
  instance_id: text,
  region: text,
  created_at: text,
  config: z.nullish(config),
  /** The known part of the config while the machine's host does not answer. */
  incomplete_config: z.nullish(config),
  events: z.nullish(z.array(event)),
});
export type Machine = z.infer<typeof machineAnswer>;

/** `GET /apps/{app}/machines`. An empty list may be `null`. */
export const machineListAnswer = z.nullable(z.array(anyEntry));

/** A machine in its organization's list, without services and events. */
export const orgMachine = z.looseObject({
  id: z.string().check(z.regex(MACHINE_ID)),
  name: z.string(),
  app_name: z.string(),
  state: z.string(),
  region: text,
  created_at: text,
  config: z.nullish(z.looseObject({ guest: z.nullish(guest), metadata: texts })),
});
export type OrgMachine = z.infer<typeof orgMachine>;

/** `GET /orgs/{org}/machines`. An empty list may be `null`. */
export const orgMachinesAnswer = z.object({
  machines: z.nullable(z.array(anyEntry)),
  next_cursor: text,
  error_regions: z.nullish(z.array(z.string())),
});

const logEntry = z.object({
  attributes: z.object({
    timestamp: text,
    message: z.string(),
    meta: z.nullish(z.object({ event: z.nullish(z.object({ provider: text })) })),
  }),
});
export type LogEntry = z.infer<typeof logEntry>;

/** `GET /apps/{app}/logs`, an API that Fly does not document. */
export const logsAnswer = z.object({
  data: z.nullable(z.array(logEntry)),
  meta: z.nullish(z.object({ next_token: z.nullish(z.union([z.string(), z.number()])) })),
});

/** One external port of a service. */
export interface ServicePort {
  readonly port?: number | null | undefined;
  readonly handlers?: readonly string[] | null | undefined;
  readonly force_https?: boolean | null | undefined;
}

/** A port of the machine, and the external ports that lead to it. */
export interface Service {
  readonly protocol?: string | null | undefined;
  readonly internal_port?: number | null | undefined;
  readonly autostart?: boolean;
  readonly autostop?: "off" | "stop" | "suspend";
  readonly min_machines_running?: number;
  readonly ports?: readonly ServicePort[] | null | undefined;
}

/** A check of the machine. */
export interface MachineCheck {
  readonly type: "http" | "tcp";
  readonly port: number;
  readonly path?: string;
  readonly method?: string;
  readonly interval?: string;
  readonly timeout?: string;
  readonly grace_period?: string;
}

/** A volume in the machine's file system. */
export interface Mount {
  readonly volume: string;
  readonly path: string;
}

/** The body of `POST /apps/{app}/machines`. */
export interface MachineBody {
  readonly name: string;
  readonly region?: string;
  readonly config: {
    readonly image: string;
    readonly env: Readonly<Record<string, string>>;
    readonly guest: { readonly cpu_kind: string; readonly cpus: number; readonly memory_mb: number };
    readonly metadata: Readonly<Record<string, string>>;
    readonly restart: { readonly policy: string; readonly max_retries?: number };
    readonly services: readonly Service[];
    readonly init?: { readonly cmd: readonly string[] };
    readonly checks?: Readonly<Record<string, MachineCheck>>;
    readonly mounts?: readonly Mount[];
    readonly rootfs?: { readonly size_gb: number };
  };
}

/** The body of `POST /apps`. */
export interface AppBody {
  readonly name: string;
  readonly org_slug: string;
  readonly network: string;
}

/** Addresses that an app can have. */
export type AddressType = "shared_v4" | "v4" | "v6";

/** The body of `POST /apps/{app}/volumes`. */
export interface VolumeBody {
  readonly name: string;
  readonly region: string;
  readonly size_gb: number;
}

/** Names of the metadata that a create stamps on a machine. */
export const OWNER_KEY = "atlas_owner";
export const STOP_MODE_KEY = "atlas_stop_mode";
/** Prefix of the name whose value is the name of a port. */
export const PORT_NAME_KEY = "atlas_port_";
