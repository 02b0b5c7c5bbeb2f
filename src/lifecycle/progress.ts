/** Telling a caller how far a spawn or a wait has got. */
import type { ComputeRecord } from "../store.ts";
import type { Environment, Phase, Progress } from "./environment.ts";

/** Tells one step. */
export type Report = (phase: Phase, message: string, record?: Pick<ComputeRecord, "id" | "provider">) => void;

/** Tells steps to a listener, with the time since now. What the listener throws is logged: it must not disturb what goes on. */
export function reporter(
  { clock, logger }: Environment,
  onProgress: ((progress: Progress) => void) | undefined,
): Report {
  const begin = clock.now().getTime();
  return (phase, message, record) => {
    const elapsedSeconds = (clock.now().getTime() - begin) / 1000;
    const about = record === undefined ? {} : { computeId: record.id, provider: record.provider };
    try {
      onProgress?.({ phase, message, elapsedSeconds, ...about });
    } catch (error) {
      logger.error("onProgress threw", {
        ...about,
        error: error instanceof Error ? error.message : "not an Error",
      });
    }
  };
}
