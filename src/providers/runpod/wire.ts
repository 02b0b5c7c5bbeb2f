/**
 * Schemas of RunPod's answers, as far as this adapter reads them. Other keys pass through.
 * Source: RunPod's REST v2 specification of 2026-08-20; `pagination` came after it (see docs/providers/runpod.md).
 */
import * as z from "zod/mini";

const optionalText = z.nullish(z.string());
const optionalNumber = z.nullish(z.number());

/** A refusal in RunPod's own form (RFC 9457). Gateways in front of RunPod answer other forms. */
export const problemSchema = z.looseObject({
  title: z.string(),
  status: z.number(),
  detail: optionalText,
});

const runtimePort = z.looseObject({
  private: optionalNumber,
  public: optionalNumber,
  type: optionalText,
  ip: optionalText,
});

/** The form of a pod's id, which becomes a part of host names and paths. */
export const POD_ID: RegExp = /^[a-zA-Z0-9][a-zA-Z0-9-]{0,50}$/;

/** A pod. */
export const podSchema = z.looseObject({
  id: z.string().check(z.regex(POD_ID)),
  name: z.string(),
  status: z.string(),
  env: z.nullish(z.record(z.string(), z.unknown())),
  ports: z.nullish(z.array(z.string())),
  gpu: z.nullish(z.looseObject({ id: optionalText, count: optionalNumber })),
  dataCenterId: optionalText,
  cost: optionalNumber,
  runtime: z.nullish(z.looseObject({ ports: z.nullish(z.array(runtimePort)) })),
  createdAt: optionalText,
});

/** A pod of a list, before its name tells whether it is ours. A pod that another program created may have no name. */
const anyPod = z.looseObject({ name: z.nullable(z.string()) });

/** One page of pods. */
export const podPageSchema = z.looseObject({
  pods: z.array(anyPod),
  pagination: z.nullish(z.looseObject({ nextCursor: optionalText, hasNextPage: z.nullish(z.boolean()) })),
});

const amountPerCloud = z.nullish(z.looseObject({ secure: optionalNumber, community: optionalNumber }));
const dataCenters = z.nullish(z.array(z.looseObject({ id: z.string(), availability: optionalText })));

const gpuTypeSchema = z.looseObject({
  id: z.string(),
  memory: optionalNumber,
  secure: z.nullish(z.boolean()),
  community: z.nullish(z.boolean()),
  price: amountPerCloud,
  maxCount: amountPerCloud,
  availability: optionalText,
  dataCenters,
});

const cpuTypeSchema = z.looseObject({
  id: z.string(),
  vcpu: z.nullish(z.looseObject({ min: optionalNumber, max: optionalNumber })),
  ramGbPerVcpu: optionalNumber,
  price: z.nullish(z.looseObject({ securePerVcpu: optionalNumber })),
  availability: optionalText,
  dataCenters,
});

/** The catalogue of GPU types. */
export const gpuCatalogueSchema = z.looseObject({ gpus: z.array(gpuTypeSchema) });

/** The catalogue of CPU flavors. */
export const cpuCatalogueSchema = z.looseObject({ cpus: z.array(cpuTypeSchema) });

/** The data of one event of the log stream. */
export const logEventSchema = z.looseObject({ source: optionalText, line: z.string(), ts: optionalText });

/** A job of a serverless endpoint. */
export const jobSchema = z.looseObject({
  id: z.string().check(z.minLength(1)),
  status: z.string(),
  output: z.optional(z.unknown()),
  error: z.optional(z.unknown()),
  delayTime: optionalNumber,
  executionTime: optionalNumber,
});

const streamItems = z.array(z.looseObject({ output: z.optional(z.unknown()) }));

/** The output of a job since the last request: the items, with or without the job's status around them. */
export const jobStreamSchema = z.union([
  streamItems,
  z.looseObject({ status: optionalText, stream: z.nullish(streamItems), error: z.optional(z.unknown()) }),
]);

/** The health of a serverless endpoint. */
export const jobHealthSchema = z.looseObject({
  jobs: z.record(z.string(), z.number()),
  workers: z.record(z.string(), z.number()),
});

/** A pod in an answer. */
export type Pod = z.infer<typeof podSchema>;

/** One page of pods in an answer. */
export type PodPage = z.infer<typeof podPageSchema>;

/** A GPU type in the catalogue. */
export type WireGpuType = z.infer<typeof gpuTypeSchema>;

/** A CPU flavor in the catalogue. */
export type WireCpuType = z.infer<typeof cpuTypeSchema>;

/** A job in an answer. */
export type WireJob = z.infer<typeof jobSchema>;
