/** Telling a caller how far a spawn or a wait has got. */
import type { ComputeRecord } from "../store.ts";
import type { Environment, Phase, Progress } from "./context.ts";
import { notify } from "./notify.ts";

/** Tells one step. */
export type Report = (phase: Phase, message: string, record?: Pick<ComputeRecord, "id" | "provider">) => void;

/** Tells steps to a listener, with the time since now. */
export function reporter(
  environment: Environment,
  onProgress: ((progress: Progress) => void) | undefined,
): Report {
  const { clock } = environment;
  const begin = clock.now().getTime();
  return (phase, message, record) => {
    const elapsedSeconds = (clock.now().getTime() - begin) / 1000;
    const about = record === undefined ? {} : { computeId: record.id, provider: record.provider };
    notify(environment, "onProgress", onProgress, { phase, message, elapsedSeconds, ...about });
  };
}
