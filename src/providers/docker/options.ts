/** The options of `docker()`, and of one compute on Docker. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { type Clock, systemClock } from "../../clock.ts";
import { clockField, fetchField } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import type { PlacementRequest } from "../../provider.ts";

/** The longest time of a download, in seconds. It ends before the store's pending grace of 600 seconds does. */
export const PULL_SECONDS = 480;

/** A GPU of the daemon's machine. */
export interface DockerDevice {
  /** Its index (`"0"`), its UUID, or its CDI name (`"amd.com/gpu=0"`). Every process that uses the daemon must call it the same. */
  readonly id: string;
  /** Its canonical name (`"rtx-4090"`), or any other by which requests ask for it. */
  readonly gpu: string;
}

/** Credentials for a registry. */
export interface DockerRegistry {
  readonly username: string;
  readonly password: string;
}

/** The options of `docker()`. */
export interface DockerOptions {
  /**
   * The daemon: `unix:///path`, `npipe:////./pipe/name`, or `tcp://host:2376`.
   * @default process.env.DOCKER_HOST, else the socket of this machine, else that of a rootless daemon
   */
  readonly daemon?: string | undefined;
  /** Folder with `ca.pem`, `cert.pem` and `key.pem` for a daemon behind `tcp://`. @default process.env.DOCKER_CERT_PATH */
  readonly certPath?: string | undefined;
  /**
   * The IP address of the daemon's machine at which ports are published. Docker's own rules pass a firewall such as ufw by, so that a port
   * on an address other than loopback is open to all that reach the address.
   * @default "127.0.0.1"
   */
  readonly host?: string | undefined;
  /** The URL of an http port, with `{port}` for the number outside: `"https://{port}.gpu.example.com"`. @default "http://<host>:{port}" */
  readonly url?: string | undefined;
  /** The GPUs, where Docker does not tell them or computes may use only some. @default the CDI devices of the daemon, else NVIDIA's by index */
  readonly devices?: readonly DockerDevice[] | undefined;
  /** The way in which containers get GPUs: CDI devices, or NVIDIA's runtime. @default "auto" */
  readonly gpu?: "auto" | "cdi" | "nvidia" | undefined;
  /** Credentials by registry host, `"docker.io"` for Docker's own. */
  readonly registries?: Readonly<Record<string, DockerRegistry>> | undefined;
  /** @default a connection to the daemon */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/** The options in `providerOptions.docker`. */
export interface DockerComputeOptions {
  /**
   * `"keep"` mounts a volume of the user and the slot at `volumePath`, which stays when the compute ends and comes back at the next spawn.
   * @default "none"
   */
  readonly volume?: "keep" | "none" | undefined;
  /** The network of the container. @default Docker's own bridge */
  readonly network?: string | undefined;
  /** The OCI runtime: `"runsc"`. @default the daemon's */
  readonly runtime?: string | undefined;
  /** The time at which the image is downloaded: at every create, when it is missing, or never. @default "missing" */
  readonly pull?: "always" | "missing" | "never" | undefined;
}

/** The options of `docker()` with their defaults. */
export interface DockerSettings {
  readonly daemon: () => string;
  readonly certPath: () => string | undefined;
  readonly host: string;
  readonly url: string;
  readonly devices: readonly DockerDevice[] | undefined;
  readonly gpu: "auto" | "cdi" | "nvidia";
  readonly registries: Readonly<Record<string, DockerRegistry>>;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly clock: Clock;
}

const text = z.string().check(z.minLength(1), z.maxLength(500), z.regex(/^\P{Cc}+$/u));
const word = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/));
const address = z.string().check(z.refine((value) => isIP(value) !== 0 && !UNSPECIFIED.has(value)));
const template = z
  .string()
  .check(z.regex(/^https?:\/\/[^\s?#@]*\{port\}[^\s?#@]*[^\s?#@/]$|^https?:\/\/[^\s?#@]*\{port\}$/));
const deviceId = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.:/=-]{0,127}$/));

/** The module is loaded at its first use, because an import of a provider must not wait for it. */
function isIP(value: string): number {
  return process.getBuiltinModule("node:net").isIP(value);
}

/** Addresses at which a server listens but that no client can ask. */
const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::", "0:0:0:0:0:0:0:0"]);

const FIELDS = {
  daemon: optional(
    field(
      z.string().check(z.regex(/^(?:unix|npipe|tcp):\/\/\S+$/)),
      "unix:///path, npipe:////./pipe/name or tcp://host:port; for ssh, forward the socket with ssh -L and name the local end",
    ),
  ),
  certPath: optional(field(text, "a folder with ca.pem, cert.pem and key.pem")),
  host: optional(field(address, "an IP address of the daemon's machine, not 0.0.0.0")),
  url: optional(field(template, 'an http(s) URL with {port}, such as "https://{port}.gpu.example.com"')),
  devices: optional(
    field(
      z.array(z.strictObject({ id: deviceId, gpu: text })).check(z.minLength(1), z.maxLength(64)),
      '1 to 64 GPUs such as { id: "0", gpu: "rtx-4090" }',
    ),
  ),
  gpu: optional(field(z.enum(["auto", "cdi", "nvidia"]), '"auto", "cdi" or "nvidia"')),
  registries: optional(
    field(
      z.record(z.string(), z.strictObject({ username: z.string(), password: z.string() })),
      'credentials by registry, such as { "ghcr.io": { username, password } }',
      { secret: true },
    ),
  ),
  fetch: fetchField,
  clock: clockField,
};

/** Parses the options of `docker()`. @throws VALIDATION naming every wrong field. */
export function parseDockerOptions(options: DockerOptions): DockerSettings {
  const given = parseFields("The options of docker()", FIELDS, options);
  const { host = "127.0.0.1" } = given;
  return {
    daemon: () => given.daemon ?? (process.env.DOCKER_HOST?.trim() || defaultDaemon()),
    certPath: () => given.certPath ?? (process.env.DOCKER_CERT_PATH?.trim() || undefined),
    host,
    url: given.url ?? `http://${isIP(host) === 6 ? `[${host}]` : host}:{port}`,
    devices: given.devices,
    gpu: given.gpu ?? "auto",
    registries: given.registries ?? {},
    fetch: given.fetch,
    clock: given.clock ?? systemClock,
  };
}

const SOCKET = "/var/run/docker.sock";
const PIPE = "npipe:////./pipe/docker_engine";

/** The socket of this machine, or that of a rootless daemon where only this exists. */
function defaultDaemon(): string {
  if (process.platform === "win32") return PIPE;
  const runtime = process.env.XDG_RUNTIME_DIR;
  const rootless = runtime === undefined ? undefined : join(runtime, "docker.sock");
  return `unix://${rootless !== undefined && !existsSync(SOCKET) && existsSync(rootless) ? rootless : SOCKET}`;
}

const COMPUTE_FIELDS = {
  volume: optional(field(z.enum(["keep", "none"]), '"keep" or "none"')),
  network: optional(field(word, "a network's name")),
  runtime: optional(field(word, "a runtime's name")),
  pull: optional(field(z.enum(["always", "missing", "never"]), '"always", "missing" or "never"')),
};

/** Parses `providerOptions.docker`. @throws VALIDATION naming every wrong field. */
export function parseComputeOptions(options: unknown): DockerComputeOptions {
  return parseFields("providerOptions.docker", COMPUTE_FIELDS, options ?? {});
}

/** The options of a request, which the caller parsed. */
export function optionsOf({ options }: PlacementRequest): DockerComputeOptions {
  return parseComputeOptions(options);
}
