/** Creating an instance. */
import type { CallContext } from "../../call-context.ts";
import { defined } from "../../internal/defined.ts";
import type { CreateRequest, Instance } from "../../provider.ts";
import { about } from "./call.ts";
import { offeredFor } from "./candidates.ts";
import { type Cloud, call } from "./cloud.ts";
import { toInstance } from "./convert.ts";
import { failureOf } from "./faults.ts";

const DEFAULT_BOOT_FAILURE = "the image could not be pulled";

/** Creates the instance. */
export async function createInstance(
  cloud: Cloud,
  request: CreateRequest,
  context: CallContext,
): Promise<Instance> {
  const { settings, fleet } = cloud;
  const { gpu, region } = request.candidate;
  const made = { ...about("create", request), ...defined({ gpu, region }) };
  return call(cloud, made, context, (fault) => {
    if (offeredFor(settings, request.candidate)?.stock === "none")
      throw failureOf(settings.name, made, { fault: "capacity" });
    const fails = fault?.fault === "boot-failure";
    return toInstance(fleet.create(request, fails ? (fault.message ?? DEFAULT_BOOT_FAILURE) : undefined));
  });
}
