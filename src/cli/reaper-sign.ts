/** A warning for a compute that nothing would end. */
import { isNotOwned } from "../deployments.ts";
import { isAtlasError } from "../errors.ts";
import { recentPass, SIGN_SECONDS } from "../lifecycle/reap/sign.ts";
import type { Desk } from "./client.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { duration } from "./text.ts";

/** Warns when no recent pass of a reaper is recorded. */
export async function warnWithoutReaper({ parts, world }: Desk): Promise<ExitCode> {
  if ((await passOf(parts)) === undefined)
    world.stderr(
      `No reaper has worked on this store in the last ${duration(SIGN_SECONDS)}. Without one, nothing ends the pod when it idles or gets too old: ` +
        "run atlas-compute reap --every 15s, or start a reaper in your application.\n",
    );
  return EXIT.done;
}

/** The time of a recent pass. A store of another deployment has none that this process could ask for. */
async function passOf(parts: Desk["parts"]): Promise<Date | undefined> {
  try {
    return await recentPass(parts);
  } catch (error) {
    if (isAtlasError(error) && isNotOwned(error)) return undefined;
    throw error;
  }
}
