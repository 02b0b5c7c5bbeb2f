/** The account that every operation on Fly uses. */
import type { Clock } from "../../clock.ts";
import type { FlyApi } from "./api.ts";
import type { Host } from "./ports.ts";

/** An account at Fly, and the layout of computes in it. */
export interface Account {
  readonly api: FlyApi;
  /** The organization's slug. @throws VALIDATION when it is not configured. */
  readonly org: () => string;
  /** The app that all computes share. Without it, each compute has its own app, named like its instance. */
  readonly sharedApp: string | undefined;
  readonly clock: Clock;
}

/** The app that an instance is in. */
export function appOf({ sharedApp }: Account, instanceName: string): string {
  return sharedApp ?? instanceName;
}

/** The host at which an instance's ports are reached. */
export function hostOf({ sharedApp }: Account, instanceName: string, machineId: string): Host {
  if (sharedApp === undefined) return { name: `${instanceName}.fly.dev` };
  return { name: `${sharedApp}.fly.dev`, headers: { "fly-force-instance-id": machineId } };
}
