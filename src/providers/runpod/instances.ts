/** Reading, listing, ending, stopping and starting pods. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import type { Instance, InstanceReference, InstanceStatus } from "../../provider.ts";
import type { PodAction, RunpodApi } from "./api.ts";
import { isListed, toInstance } from "./convert.ts";
import { listPods } from "./pages.ts";
import type { Pod } from "./wire.ts";

/** The pod as it is now; by name when the id is not known. */
export async function getInstance(
  api: RunpodApi,
  reference: InstanceReference,
  context: CallContext,
): Promise<Instance | undefined> {
  const pod = await findPod(api, reference, context);
  return pod === undefined ? undefined : toInstance(pod);
}

/** The pod that the reference means, as RunPod answers it. */
export async function findPod(
  api: RunpodApi,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<Pod | undefined> {
  if (providerId !== undefined) return api.pod(providerId, context);
  return (await podsNamed(api, name, context))[0];
}

async function podsNamed(api: RunpodApi, name: string, context: CallContext): Promise<readonly Pod[]> {
  const pods = await listPods(api, (other) => other === name, context);
  return pods.filter(isListed);
}

/** Every pod whose name begins with the prefix, without terminated ones. */
export async function listInstances(
  api: RunpodApi,
  namePrefix: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const pods = await listPods(api, (name) => name.startsWith(namePrefix), context);
  return pods.filter(isListed).map((pod) => toInstance(pod));
}

/** Deletes the pod, or every pod of that name when the id is not known. An absent pod is success. */
export async function terminateInstance(
  api: RunpodApi,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<void> {
  const ids =
    providerId === undefined ? (await podsNamed(api, name, context)).map(({ id }) => id) : [providerId];
  for (const id of ids) await deleteUnlessEnded(api, id, context);
}

/** Deletes the pod. RunPod may refuse to delete one that has ended already, which is success. */
async function deleteUnlessEnded(api: RunpodApi, id: string, context: CallContext): Promise<void> {
  try {
    await api.deletePod(id, context);
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "CONFLICT") throw error;
    const pod = await api.pod(id, context);
    if (pod !== undefined && isListed(pod)) throw error;
  }
}

/** Stops the pod. */
export function stopInstance(
  api: RunpodApi,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return actUnlessDone(api, reference, "stop", context);
}

/** Starts the pod. */
export function startInstance(
  api: RunpodApi,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return actUnlessDone(api, reference, "start", context);
}

/** Restarts the pod. */
export function restartInstance(
  api: RunpodApi,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return actUnlessDone(api, reference, "restart", context);
}

/** The states that each action leads to. A restart changes no state, so that no state proves one. */
const REACHED: Readonly<Record<PodAction, readonly InstanceStatus[]>> = {
  stop: ["stopped"],
  start: ["running", "provisioning"],
  restart: [],
};

/** Requests an action. A refusal counts as success when the pod is in a state that the action leads to. */
async function actUnlessDone(
  api: RunpodApi,
  reference: InstanceReference,
  action: PodAction,
  context: CallContext,
): Promise<void> {
  const id = reference.providerId ?? (await findPod(api, reference, context))?.id;
  if (id === undefined) throw noPodError(reference);
  try {
    await api.act(id, action, context);
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "CONFLICT") throw error;
    const instance = await getInstance(api, { ...reference, providerId: id }, context);
    if (instance === undefined || !REACHED[action].includes(instance.status)) throw error;
  }
}

function noPodError({ name }: InstanceReference): AtlasError {
  return new AtlasError("NOT_FOUND", `runpod: there is no pod named ${name}`, { provider: "runpod" });
}
