/** Reading the log of an instance. */
import type { CallContext } from "../../call-context.ts";
import { pause } from "../../internal/pause.ts";
import type { InstanceReference, LogLine, LogOptions } from "../../provider.ts";
import { about } from "./call.ts";
import { type Cloud, call } from "./cloud.ts";

const FOLLOW_SECONDS = 0.2;

/** The lines of the instance; none for an unknown one. */
export async function* readLogs(
  cloud: Cloud,
  reference: InstanceReference,
  { tail, follow }: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine> {
  const { settings, fleet } = cloud;
  const { signal } = context;
  const machine = await call(cloud, about("logs", reference), context, () => fleet.named(reference)[0]);
  if (machine === undefined) return;
  let read = Math.max(0, machine.lines.length - tail);
  for (;;) {
    for (; read < machine.lines.length; read += 1) yield* machine.lines.slice(read, read + 1);
    if (!follow || signal.aborted || !fleet.visible().includes(machine)) return;
    await pause(settings.clock, FOLLOW_SECONDS, signal);
  }
}
