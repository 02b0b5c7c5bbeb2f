/** Pods: every operation of the contract as requests to RunPod. */

import type { CallContext } from "../../call-context.ts";
import type { Clock } from "../../clock.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import { type HttpClient, unlessNotFound } from "../../internal/http.ts";
import type {
  CreateRequest,
  Instance,
  InstanceReference,
  InstanceStatus,
  LogLine,
  LogOptions,
} from "../../provider.ts";
import { isListed, toInstance } from "./convert.ts";
import { readLogs } from "./logs.ts";
import { listPods } from "./pages.ts";
import { toCreateBody } from "./placement.ts";
import { type Pod, podSchema } from "./wire.ts";

/** Creates one pod, in one attempt. */
export async function createPod(
  http: HttpClient,
  request: CreateRequest,
  context: CallContext,
): Promise<Instance> {
  const json = toCreateBody(request);
  const secrets = Object.values(request.env);
  const pod = await http.read(
    { method: "POST", path: "/pods", json, idempotent: false, secrets },
    podSchema,
    context,
  );
  return toInstance(pod, request.ports);
}

/** The pod as it is now; by name when the id is not known. */
export async function getPod(
  http: HttpClient,
  reference: InstanceReference,
  context: CallContext,
): Promise<Instance | undefined> {
  const pod = await findPod(http, reference, context);
  return pod === undefined ? undefined : toInstance(pod);
}

async function findPod(
  http: HttpClient,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<Pod | undefined> {
  if (providerId === undefined) return (await podsNamed(http, name, context))[0];
  const request = { method: "GET", path: podPath(providerId), idempotent: true } as const;
  return unlessNotFound(http.read(request, podSchema, context));
}

async function podsNamed(http: HttpClient, name: string, context: CallContext): Promise<readonly Pod[]> {
  const pods = await listPods(http, context);
  return pods.filter((pod) => isListed(pod) && pod.name === name);
}

function podPath(id: string): string {
  return `/pods/${encodeURIComponent(id)}`;
}

/** Every pod whose name begins with the prefix and that is not gone for good. */
export async function listInstances(
  http: HttpClient,
  namePrefix: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const pods = await listPods(http, context);
  const ours = pods.filter((pod) => isListed(pod) && pod.name.startsWith(namePrefix));
  return ours.map((pod) => toInstance(pod));
}

/** Deletes the pod, or every pod of that name. One that is not there is gone already. */
export async function terminatePods(
  http: HttpClient,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const { name, providerId } = reference;
  const ids =
    providerId === undefined ? (await podsNamed(http, name, context)).map(({ id }) => id) : [providerId];
  for (const id of ids)
    await unlessNotFound(http.send({ method: "DELETE", path: podPath(id), idempotent: true }, context));
}

/** What can be asked of a pod, and the states in which a refusal means that it is so already. */
const ACTIONS = {
  stop: { idempotent: true, done: ["stopped"] },
  start: { idempotent: true, done: ["running", "provisioning"] },
  restart: { idempotent: false, done: [] },
} as const satisfies Readonly<
  Record<string, { readonly idempotent: boolean; readonly done: readonly InstanceStatus[] }>
>;

/** Asks for an action. A refusal counts as done when the pod is where the action leads. */
export async function actOnPod(
  http: HttpClient,
  reference: InstanceReference,
  action: keyof typeof ACTIONS,
  context: CallContext,
): Promise<void> {
  const { idempotent } = ACTIONS[action];
  const done: readonly InstanceStatus[] = ACTIONS[action].done;
  const id = reference.providerId ?? (await findPod(http, reference, context))?.id;
  if (id === undefined) throw absent(reference);
  const request = { method: "POST", path: `${podPath(id)}/action`, json: { action }, idempotent } as const;
  try {
    await http.send(request, context);
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "CONFLICT") throw error;
    const instance = await getPod(http, { ...reference, providerId: id }, context);
    if (instance === undefined || !done.includes(instance.status)) throw error;
  }
}

function absent({ name }: InstanceReference): AtlasError {
  return new AtlasError("NOT_FOUND", `runpod: there is no pod named ${name}`, { provider: "runpod" });
}

/** The pod's log lines; none for a pod that does not exist. */
export async function* podLogs(
  http: HttpClient,
  clock: Clock,
  reference: InstanceReference,
  options: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  const pod = await findPod(http, reference, context);
  if (pod === undefined) return;
  const byId = { ...reference, providerId: pod.id };
  const exists = async (within: CallContext): Promise<boolean> => {
    const status = (await getPod(http, byId, within))?.status ?? "terminated";
    return status !== "terminated";
  };
  yield* readLogs({ http, clock, podId: pod.id, exists }, options, context);
}
