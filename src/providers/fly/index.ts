/**
 * CPU machines on Fly.io through its Machines API. Each compute has its own app, and with it a host name that a browser can reach.
 * @module
 */
import type { Provider } from "../../provider.ts";
import type { Account } from "./account.ts";
import { createFlyApi } from "./api.ts";
import { findCandidates } from "./candidates.ts";
import { createInstance } from "./create.ts";
import { credentials } from "./credentials.ts";
import {
  findInstances,
  getInstance,
  listInstances,
  startInstance,
  stopInstance,
  terminateInstance,
} from "./instances.ts";
import { readLogs } from "./logs.ts";
import { type FlyComputeOptions, type FlyOptions, parseComputeOptions, parseFlyOptions } from "./options.ts";

export type { FlyCheck, FlyComputeOptions, FlyOptions } from "./options.ts";

declare module "../../request.ts" {
  interface ProviderOptions {
    readonly fly?: FlyComputeOptions | undefined;
  }
}

/** A provider of Fly Machines, with the optional methods that Fly supports. */
export type FlyProvider = Provider &
  Required<Pick<Provider, "parseOptions" | "find" | "stop" | "start" | "logs" | "account">>;

/**
 * Makes a provider of Fly Machines. The token needs to create and delete apps in the organization: `fly tokens create org`.
 *
 * @throws VALIDATION for an option that does not exist or is not valid. The first call that needs a missing token or
 * organization throws.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { fly } from "atlas-compute/fly";
 *
 * const atlas = createAtlas({ providers: [fly({ org: "my-org" })] });
 * const compute = await atlas.spawnCompute({
 *   image: "ghcr.io/me/server:1",
 *   ports: [8000],
 *   regions: ["fra", "ams"],
 *   providerOptions: { fly: { cpuKind: "performance" } },
 * });
 * console.log(compute.url(8000)); // https://atlas-default-….fly.dev
 * ```
 */
export function fly(options: FlyOptions = {}): FlyProvider {
  const settings = parseFlyOptions(options);
  const { authorization, org } = credentials(settings);
  const { app: sharedApp, clock } = settings;
  const account: Account = { api: createFlyApi(settings, authorization), org, sharedApp, clock };
  return {
    name: "fly",
    // Most of this time goes into pulling a large image: a machine itself boots in seconds.
    bootTimeoutSeconds: 120,
    // A read by id finds a new machine at once; the lists of an organization lag.
    absenceGraceSeconds: 30,
    lookSeconds: 2,
    edge: {},
    parseOptions: parseComputeOptions,
    candidates: async (request) => {
      authorization();
      if (sharedApp === undefined) org();
      return findCandidates(request, parseComputeOptions(request.options), sharedApp);
    },
    create: (request, context) => createInstance(account, request, context),
    get: (reference, context) => getInstance(account, reference, context),
    list: ({ namePrefix }, context) => listInstances(account, namePrefix, context),
    find: (name, context) => findInstances(account, name, context),
    terminate: (reference, context) => terminateInstance(account, reference, context),
    stop: (reference, context) => stopInstance(account, reference, context),
    start: (reference, context) => startInstance(account, reference, context),
    // A shared app may be anywhere; the configured slug may be "personal", which is another organization for each user.
    account: async (context) => (await account.api.organizations(context)).join(" ") || undefined,
    logs: (reference, logOptions, context) => readLogs(account, reference, logOptions, context),
  };
}
