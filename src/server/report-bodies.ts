/** Bodies of the reports that pods send, with their limits. */
import * as z from "zod/mini";
import { type Heartbeat, heartbeatSchema, SIGN_KINDS } from "../guard/life/heartbeat.ts";
import { describe, field, invalid, optional, parseFields } from "../internal/parse.ts";
import type { ReportKind } from "../lifecycle/reports.ts";
import type { BodyRule } from "./body.ts";

const KB = 1024;

const text = (maximum: number): z.ZodMiniString => z.string().check(z.minLength(1), z.maxLength(maximum));
const optionalNumber = z.optional(z.number());

const STATUS_FIELDS = {
  status: field(text(100), "a string of 1 to 100 characters"),
  detail: optional(field(z.string().check(z.maxLength(4000)), "a string of up to 4000 characters")),
};

const gpu = z.strictObject({
  index: z.int().check(z.minimum(0), z.maximum(1023)),
  healthy: z.boolean(),
  name: z.optional(text(100)),
  temperatureCelsius: optionalNumber,
  utilizationPercent: optionalNumber,
  memoryUsedMb: optionalNumber,
  memoryTotalMb: optionalNumber,
  reason: z.optional(z.string().check(z.maxLength(500))),
});
const GPU_FIELDS = {
  gpus: field(
    z.array(gpu).check(z.maxLength(64)),
    "up to 64 of { index, healthy, name?, temperatureCelsius?, utilizationPercent?, memoryUsedMb?, memoryTotalMb?, reason? }",
  ),
};

const METRICS_FIELDS = {
  metrics: field(
    z
      .record(z.string().check(z.regex(/^[A-Za-z][\w.:/-]{0,99}$/)), z.number())
      .check(z.refine((metrics) => Object.keys(metrics).length <= 500)),
    "up to 500 numbers, their names of letters, digits and _ . : / - beginning with a letter",
  ),
};

const LOGS_FIELDS = {
  lines: field(z.array(z.string()).check(z.minLength(1), z.maxLength(1000)), "1 to 1000 strings"),
};

/** The rule for the body of each kind of report. */
type ReportBodies = Readonly<Record<Exclude<ReportKind, "heartbeat">, BodyRule<object>>> & {
  readonly heartbeat: BodyRule<Heartbeat>;
};

/** The table of these rules. */
export const reportBodies: ReportBodies = {
  heartbeat: { maxBytes: KB, parse: parseHeartbeat },
  status: { maxBytes: 8 * KB, parse: (input) => parseFields("The status", STATUS_FIELDS, input) },
  "gpu-health": {
    maxBytes: 64 * KB,
    parse: (input) => parseFields("The GPUs' health", GPU_FIELDS, input),
  },
  metrics: { maxBytes: 64 * KB, parse: (input) => parseFields("The metrics", METRICS_FIELDS, input) },
  logs: { maxBytes: 64 * KB, parse: (input) => parseFields("The log lines", LOGS_FIELDS, input) },
};

/** Parses a heartbeat with the schema that the guard sends by. */
function parseHeartbeat(input: unknown): Heartbeat {
  const { success, data } = heartbeatSchema.safeParse(input);
  if (success) return data;
  const allowed = `{ signs } with any of ${SIGN_KINDS.join(", ")}`;
  throw invalid("The heartbeat", [{ field: "(the whole)", received: describe(input), allowed }]);
}
