/** The health of a compute's GPUs over time, from the reports of its pod. Pure. */
import * as z from "zod/mini";
import type { ComputeEvent } from "../store.ts";

const number = z.optional(z.number());
const gpuSchema = z.object({
  index: z.number(),
  healthy: z.boolean(),
  name: z.optional(z.string()),
  temperatureCelsius: number,
  utilizationPercent: number,
  memoryUsedMb: number,
  memoryTotalMb: number,
  reason: z.optional(z.string()),
});
const reportSchema = z.object({ gpus: z.array(gpuSchema) });

/** A GPU in one report. */
export type GpuReport = z.infer<typeof gpuSchema>;

/** One GPU: its last report, and its values in all of them, oldest first. */
export interface GpuHistory {
  readonly last: GpuReport;
  readonly temperature: readonly number[];
  readonly utilization: readonly number[];
  /** The used part of the memory, in percent. */
  readonly memory: readonly number[];
}

/** Reads the GPUs' health from the events of a compute. A report in another form is left out. */
export function gpuHistories(events: readonly ComputeEvent[]): readonly GpuHistory[] {
  const reports = events
    .filter(({ type, data }) => type === "report" && data.kind === "gpu-health")
    .flatMap(({ data }) => reportSchema.safeParse(data).data?.gpus ?? []);
  const byIndex = [...Map.groupBy(reports, ({ index }) => index).values()];
  return byIndex.flatMap((reported) => {
    const last = reported.at(-1);
    if (last === undefined) return [];
    return {
      last,
      temperature: reported.flatMap(({ temperatureCelsius }) => temperatureCelsius ?? []),
      utilization: reported.flatMap(({ utilizationPercent }) => utilizationPercent ?? []),
      memory: reported.flatMap((gpu) => memoryPercent(gpu) ?? []),
    };
  });
}

function memoryPercent({ memoryUsedMb, memoryTotalMb }: GpuReport): number | undefined {
  if (memoryUsedMb === undefined || !memoryTotalMb) return undefined;
  return (memoryUsedMb / memoryTotalMb) * 100;
}
