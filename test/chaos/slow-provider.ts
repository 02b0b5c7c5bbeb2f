/** A provider at which everything is gone at once, and ending takes its time: to count who asks for which end. */
import { systemClock } from "../../src/clock.ts";
import type { Provider } from "../../src/provider.ts";

/** A provider whose `terminate` takes that long, and is told about when it begins. */
export function slowProvider(milliseconds: number, onTerminate: (name: string) => void): Provider {
  return {
    name: "slow",
    bootTimeoutSeconds: 60,
    absenceGraceSeconds: 0,
    candidates: async () => [],
    create: async () => {
      throw new Error("nothing is created here");
    },
    get: async ({ name, providerId = "" }) => ({
      ...{ name, providerId, status: "terminated", ports: [], raw: undefined },
    }),
    list: async () => [],
    terminate: async ({ name }) => {
      onTerminate(name);
      await systemClock.sleep(milliseconds);
    },
  };
}
