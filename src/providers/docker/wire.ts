/** The Engine API's wire format: schemas of the answers, as far as this adapter reads them, and types of the bodies it sends. */
import * as z from "zod/mini";

/** The labels that a container of a compute has. */
export const LABELS = {
  owner: "atlas.owner",
  /** The requested ports, as JSON. */
  ports: "atlas.ports",
  /** The ids of the container's GPUs, separated by commas. The label reserves them for as long as the container exists. */
  gpus: "atlas.gpus",
  /** The canonical name of the GPUs. */
  gpu: "atlas.gpu",
  /** On a lock: the id of the GPU. */
  lock: "atlas.gpu-lock",
  /** On a lock: the attempt that made it. */
  attempt: "atlas.attempt",
  /** On a kept volume: the prefix of the names of its computes. */
  keptFor: "atlas.kept-for",
} as const;

const text = z.nullish(z.string());
const number = z.nullish(z.number());
const flag = z.nullish(z.boolean());
const labels = z.nullish(z.record(z.string(), z.string()));

/** An error's body. */
export const errorBody = z.object({ message: z.string() });

/** The answer to a create. */
export const createdAnswer = z.object({ Id: z.string().check(z.minLength(1)) });

const binding = z.object({ HostIp: text, HostPort: text });
const health = z.object({ Status: text });

/** `GET /containers/{id}/json`. */
export const containerAnswer = z.looseObject({
  Id: z.string().check(z.minLength(1)),
  Name: z.string(),
  Created: text,
  State: z.looseObject({
    Status: z.string(),
    ExitCode: number,
    OOMKilled: flag,
    Error: text,
    Health: z.nullish(health),
  }),
  Config: z.looseObject({ Labels: labels, Env: z.nullish(z.array(z.string())), Tty: flag }),
  HostConfig: z.looseObject({ NetworkMode: text, RestartPolicy: z.nullish(z.object({ Name: text })) }),
  NetworkSettings: z.looseObject({ Ports: z.nullish(z.record(z.string(), z.nullish(z.array(binding)))) }),
});
export type Container = z.infer<typeof containerAnswer>;

/** `GET /containers/json`. */
export const containerListAnswer = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    Created: z.number(),
    State: z.string(),
    Labels: labels,
  }),
);
export type ListedContainer = z.infer<typeof containerListAnswer>[number];

/** The ports of a compute, as its label has them. */
export const portsLabel = z.array(
  z.object({
    internal: z.number(),
    protocol: z.enum(["http", "tcp"]),
    name: z.optional(z.string()),
  }),
);

/** `GET /info`. */
export const infoAnswer = z.object({
  NCPU: number,
  MemTotal: number,
  CDISpecDirs: z.nullish(z.array(z.string())),
  DiscoveredDevices: z.nullish(z.array(z.object({ Source: text, ID: text }))),
  Runtimes: z.nullish(z.record(z.string(), z.unknown())),
});
export type Info = z.infer<typeof infoAnswer>;

/** An answer of which only the success matters. */
export const anyAnswer = z.looseObject({});

/** One line of a download's progress. */
export const pullLine = z.object({
  id: text,
  status: text,
  progressDetail: z.nullish(z.object({ current: number, total: number })),
  error: text,
});

/** `GET /volumes`. */
export const volumeListAnswer = z.object({
  Volumes: z.nullish(z.array(z.object({ Name: z.string(), CreatedAt: text, Labels: labels }))),
});
export type ListedVolume = NonNullable<z.infer<typeof volumeListAnswer>["Volumes"]>[number];

/** A mount of a volume; without a source it is a new volume, which ends with the container. */
export interface MountBody {
  readonly Type: "volume";
  readonly Source?: string;
  readonly Target: string;
  readonly VolumeOptions?: { readonly Labels: Readonly<Record<string, string>> };
}

/** The request for GPUs. */
export interface DeviceRequestBody {
  readonly Driver: string;
  readonly DeviceIDs: readonly string[];
  readonly Capabilities?: readonly (readonly string[])[];
}

/** `POST /containers/create`. */
export interface ContainerBody {
  readonly Image: string;
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly HostConfig: {
    readonly NetworkMode?: string;
    readonly Runtime?: string;
    readonly Init?: boolean;
    readonly RestartPolicy?: { readonly Name: "no" };
    readonly PortBindings?: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>
    >;
    readonly Memory?: number;
    readonly NanoCpus?: number;
    readonly ShmSize?: number;
    readonly StorageOpt?: { readonly size: string };
    readonly Mounts?: readonly MountBody[];
    readonly DeviceRequests?: readonly DeviceRequestBody[];
    readonly LogConfig?: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
  };
}
