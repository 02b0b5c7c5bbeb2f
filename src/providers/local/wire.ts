/** Schemas of the state folder's files, and of a supervisor's answer. None of them holds an env value. */
import * as z from "zod/mini";

/** `instance.json`: the create writes it once, before any process starts. */
export const instanceRecord = z.object({
  providerId: z.string(),
  name: z.string(),
  owner: z.string(),
  createdAt: z.iso.datetime(),
  ports: z.array(
    z.object({
      internal: z.int(),
      protocol: z.enum(["http", "tcp"]),
      name: z.optional(z.string()),
      external: z.int(),
    }),
  ),
});

const identity = z.object({ pid: z.int(), startMark: z.string() });

/** `process.json`: only the supervisor writes it, from its start to its end. */
export const processRecord = z.object({
  supervisor: identity,
  /** The command's own process, which leads the process group. */
  leader: z.optional(identity),
  exit: z.optional(
    z.object({
      at: z.iso.datetime(),
      code: z.optional(z.int()),
      signal: z.optional(z.string()),
      /** The reason why the command did not start: a code such as `ENOENT`. */
      refusal: z.optional(z.string()),
    }),
  ),
});

/** A supervisor's answer to the create that waits for it. */
export const supervisorAnswer = z.union([
  z.object({ started: z.literal(true) }),
  z.object({ refusal: z.string() }),
]);

export type InstanceRecord = z.infer<typeof instanceRecord>;
export type ProcessRecord = z.infer<typeof processRecord>;
export type SupervisorAnswer = z.infer<typeof supervisorAnswer>;
