/** The validation of the fake Fly, at least as strict as the real one: a body that passes here must pass there. */
import * as z from "zod";
import { flyRefusals, Refused } from "./fly-refusals.ts";

const flyRegions: readonly string[] =
  "ams arn cdg dfw ewr fra gru iad jnb lax lhr nrt ord sin sjc syd yyz".split(" ");

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const region = z.enum(flyRegions);
const port = z.int().min(1).max(65_535);
const duration = z.string().regex(/^[0-9]+(ms|s|m)$/);

export const appBody = z.strictObject({
  name,
  org_slug: z.string().min(1),
  network: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/)
    .optional(),
});

export const addressBody = z.strictObject({ type: z.enum(["shared_v4", "v4", "v6", "private_v6"]) });

export const volumeBody = z.strictObject({
  name: z.string().regex(/^[a-z0-9_]{1,30}$/),
  region,
  size_gb: z.int().min(1).max(500),
});

const MEMORY_MB = { shared: [256, 2048, 256], performance: [2048, 8192, 2048] } as const;
const CPUS = { shared: [1, 2, 4, 6, 8], performance: [1, 2, 4, 6, 8, 10, 12, 14, 16] } as const;

const guest = z
  .strictObject({
    cpu_kind: z.enum(["shared", "performance"]),
    cpus: z.int(),
    memory_mb: z.int(),
  })
  .refine(({ cpu_kind: kind, cpus, memory_mb: memory }) => {
    const [minimum, maximum, step] = MEMORY_MB[kind];
    const fits = memory >= minimum * cpus && memory <= maximum * cpus && memory % step === 0;
    return fits && (CPUS[kind] as readonly number[]).includes(cpus);
  });

const servicePort = z.strictObject({
  port,
  handlers: z.array(z.enum(["http", "tls", "pg_tls", "proxy_proto"])),
  force_https: z.boolean().optional(),
});

const service = z
  .strictObject({
    protocol: z.enum(["tcp", "udp"]),
    internal_port: port,
    autostart: z.boolean().optional(),
    autostop: z.enum(["off", "stop", "suspend"]).optional(),
    min_machines_running: z.int().min(0).optional(),
    ports: z.array(servicePort).min(1),
  })
  .refine(({ ports }) =>
    ports.every(({ force_https, handlers }) => !force_https || handlers.includes("http")),
  );

const check = z.strictObject({
  type: z.enum(["http", "tcp"]),
  port,
  path: z.string().optional(),
  method: z.string().optional(),
  interval: duration.optional(),
  timeout: duration.optional(),
  grace_period: duration.optional(),
});

const config = z.strictObject({
  image: z.string().min(1),
  env: z.record(z.string(), z.string()).optional(),
  guest: guest.optional(),
  metadata: z.record(z.string().min(1), z.string()).optional(),
  restart: z
    .strictObject({
      policy: z.enum(["no", "always", "on-failure"]),
      max_retries: z.int().min(1).optional(),
    })
    .optional(),
  services: z
    .array(service)
    .refine((services) => {
      const outside = services.flatMap(({ ports }) => ports.map((entry) => entry.port));
      return new Set(outside).size === outside.length;
    }, "two services on one port")
    .optional(),
  init: z.strictObject({ cmd: z.array(z.string()) }).optional(),
  checks: z.record(z.string(), check).optional(),
  mounts: z
    .array(z.strictObject({ volume: z.string(), path: z.string().startsWith("/") }))
    .max(1)
    .optional(),
  rootfs: z.strictObject({ size_gb: z.int().min(1) }).optional(),
});

export const machineBody = z.strictObject({ name: name.optional(), region: region.optional(), config });

/** The body when it is valid. @throws a refusal like Fly's when it is not. */
export function validate<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.path[0] === "name") throw new Refused(flyRefusals.badName);
  throw new Refused({
    status: 400,
    error: `invalid request: ${issue?.path.join(".")}: ${issue?.message}`,
    code: "unknown",
  });
}
