/** Telling a caller how far a spawn or a wait has got. */
import type { ComputeRecord } from "../store.ts";
import type { Context, Phase, Progress } from "./context.ts";
import { notify } from "./notify.ts";

/** Tells one step. */
export type Report = (phase: Phase, message: string, record?: Pick<ComputeRecord, "id" | "provider">) => void;

/** Tells steps to a listener, with the time since now. */
export function reporter(context: Context, onProgress: ((progress: Progress) => void) | undefined): Report {
  const { clock } = context;
  const begin = clock.now().getTime();
  return (phase, message, record) => {
    const elapsedSeconds = (clock.now().getTime() - begin) / 1000;
    const about = record === undefined ? {} : { computeId: record.id, provider: record.provider };
    notify(context, "onProgress", onProgress, { phase, message, elapsedSeconds, ...about });
  };
}
