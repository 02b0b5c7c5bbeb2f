/** Providers that break the laws, one law each. The suite must fail each of them. */

import type { CallContext } from "../../src/call-context.ts";
import { AtlasError, isAtlasError, withFacts } from "../../src/errors.ts";
import type { CreateRequest, Instance, Provider } from "../../src/provider.ts";
import type { MockProvider } from "../../src/providers/mock/index.ts";

/** A provider that breaks a law in one way. */
export type Breakage = (provider: MockProvider) => Provider;

/** Instances on a page, in the tests of the suite itself. */
export const PAGE_SIZE = 2;

/** Creates, and runs this step when the create fails. */
function whenCreateFails(
  goOn: (
    error: unknown,
    provider: MockProvider,
    request: CreateRequest,
    context: CallContext,
  ) => Promise<Instance>,
): Breakage {
  return (provider) => ({
    ...provider,
    create: (request, context) =>
      provider.create(request, context).catch((error: unknown) => goOn(error, provider, request, context)),
  });
}

export const createsTwice: Breakage = (provider) => ({
  ...provider,
  create: async (request, context) => {
    await provider.create(request, context);
    return provider.create(request, context);
  },
});

/** Denies for every failed create that an instance may exist. */
export const deniesCreation: Breakage = whenCreateFails(async (error) => {
  throw isAtlasError(error) ? new AtlasError(error.code, error.message, { mayHaveCreated: false }) : error;
});

const repeatsTheCreate = whenCreateFails((_, provider, request, context) =>
  provider.create(request, context),
);

const tellsTheEnvironment = whenCreateFails(async (error, _, { env }) => {
  throw isAtlasError(error) ? withFacts(error, { details: { sent: env } }) : error;
});

const namesEverythingProvider = whenCreateFails(async () => {
  throw new AtlasError("PROVIDER", "it failed");
});

const leavesSomething = whenCreateFails(async (error, provider, { name, owner }) => {
  provider.add({ name, owner });
  throw error;
});

const answersNothing: Breakage = (provider) => ({
  ...provider,
  get: (reference, context) => provider.get(reference, context).catch(() => undefined),
  list: (scope, context) => provider.list(scope, context).catch(() => []),
  find: (name, context) => provider.find(name, context).catch(() => []),
  terminate: (reference, context) => provider.terminate(reference, context).catch(() => undefined),
});

const matchesPrefixes: Breakage = (provider) => ({
  ...provider,
  find: (name, context) => provider.list({ namePrefix: name }, context),
  terminate: async (reference, context) => {
    for (const { name, providerId } of await provider.list({ namePrefix: reference.name }, context))
      await provider.terminate({ name, providerId }, context);
  },
});

const takesNameForId: Breakage = (provider) => ({
  ...provider,
  get: ({ name }, context) => provider.get({ name }, context),
  terminate: ({ name }, context) => provider.terminate({ name }, context),
});

const ignoresSignals: Breakage = (provider) => {
  const deaf = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };
  return { ...provider, create: (request) => provider.create(request, deaf) };
};

function changesInstances(change: (instance: Instance) => Instance): Breakage {
  return (provider) => ({
    ...provider,
    create: async (request, context) => change(await provider.create(request, context)),
    get: async (reference, context) => {
      const instance = await provider.get(reference, context);
      return instance && change(instance);
    },
    list: async (scope, context) => (await provider.list(scope, context)).map(change),
  });
}

/** Ways to break each law, by the beginning of its sentence. */
const BREAKAGES: Readonly<Record<string, readonly Breakage[]>> = {
  "a provider has a valid name": [(provider) => ({ ...provider, name: "No Name" })],
  "a provider has exactly the optional methods": [({ find: _, ...provider }) => provider],
  "candidates creates nothing": [
    (provider) => ({ ...provider, candidates: async () => [] }),
    (provider) => ({
      ...provider,
      candidates: (request, context) => {
        provider.add({ name: "atlas-early" });
        return provider.candidates(request, context);
      },
    }),
  ],
  "create makes exactly one instance": [
    createsTwice,
    changesInstances((instance) => ({ ...instance, name: instance.name.slice(0, 40) })),
  ],
  "the owner tag reads back": [
    changesInstances((instance) => ({ ...instance, owner: "another store" })),
    changesInstances(({ owner: _, ...instance }) => instance),
  ],
  "an instance tells its state": [
    changesInstances((instance) => ({ ...instance, createdAt: new Date(Number.NaN) })),
    changesInstances((instance) => ({ ...instance, costPerHour: Number.NaN })),
  ],
  "an instance shows every requested port": [
    changesInstances((instance) => ({ ...instance, ports: instance.ports.slice(1) })),
    changesInstances((instance) => ({
      ...instance,
      ports: instance.ports.map(({ url: _, ...port }) => port),
    })),
    changesInstances((instance) => ({
      ...instance,
      ports: instance.ports.map((port) => (port.url === undefined ? port : { ...port, url: `${port.url}/` })),
    })),
  ],
  "no environment value": [
    (provider) => ({
      ...provider,
      get: async (reference, context) => {
        const instance = await provider.get(reference, context);
        return instance && { ...instance, raw: provider.instances };
      },
    }),
  ],
  "the instance gets the whole environment": [
    (provider) => ({
      ...provider,
      create: (request, context) => {
        const env = Object.entries(request.env).map(([name, value]) => [
          name,
          value.trim().replace(/\r/g, ""),
        ]);
        return provider.create({ ...request, env: Object.fromEntries(env) }, context);
      },
    }),
  ],
  "create makes a": [createsTwice, changesInstances((instance) => ({ ...instance, gpu: "h200-sxm" }))],
  "an unknown provider option": [(provider) => ({ ...provider, parseOptions: (options) => options })],
  "account is the same": [
    (provider) => ({ ...provider, account: async () => "" }),
    (provider) => ({ ...provider, account: async () => crypto.randomUUID() }),
  ],
  "listGpuTypes names": [
    (provider) => ({
      ...provider,
      listGpuTypes: async (context) => {
        const types = await provider.listGpuTypes(context);
        return [...types, ...types];
      },
    }),
  ],
  "once the grace is over": [
    changesInstances(({ owner: _, ...instance }) => instance),
    (provider) => ({ ...provider, find: async () => [] }),
  ],
  "an instance runs": [changesInstances((instance) => ({ ...instance, status: "unknown" }))],
  "get of an unknown instance": [
    takesNameForId,
    (provider) => ({
      ...provider,
      get: async (_, context) => (await provider.list({ namePrefix: "" }, context))[0],
    }),
  ],
  "a name is matched whole": [matchesPrefixes],
  "list takes the prefix literally": [
    (provider) => ({
      ...provider,
      list: async ({ namePrefix }, context) => {
        const all = await provider.list({ namePrefix: "" }, context);
        return all.filter(({ name }) => new RegExp(`^${namePrefix}`).test(name));
      },
    }),
  ],
  "list reads every page": [
    (provider) => ({
      ...provider,
      list: async (scope, context) => (await provider.list(scope, context)).slice(0, PAGE_SIZE),
    }),
  ],
  "every instance of a name": [
    (provider) => ({
      ...provider,
      find: async (name, context) => (await provider.find(name, context)).slice(0, 1),
    }),
  ],
  "terminate ends the instance": [
    (provider) => ({ ...provider, terminate: async () => undefined }),
    (provider) => ({ ...provider, terminate: provider.stop }),
  ],
  "terminate of an instance that is ending": [
    (provider) => ({
      ...provider,
      terminate: async (reference, context) => {
        if ((await provider.get(reference, context)) === undefined) throw new AtlasError("NOT_FOUND", "gone");
        await provider.terminate(reference, context);
      },
    }),
  ],
  "terminate ends nothing but": [matchesPrefixes],
  "terminate with an id": [takesNameForId],
  "terminate by name alone": [
    (provider) => ({
      ...provider,
      terminate: async ({ name }, context) => {
        const instance = await provider.get({ name }, context);
        if (instance) await provider.terminate(instance, context);
      },
    }),
  ],
  "close ends no instance": [
    (provider) => ({
      ...provider,
      close: async () => {
        for (const { name } of provider.instances) provider.vanish(name);
      },
    }),
  ],
  "a stopped instance can be started": [
    (provider) => ({
      ...provider,
      start: async (reference, context) => {
        if ((await provider.get(reference, context))?.status !== "stopped")
          throw new AtlasError("CONFLICT", "runs");
        await provider.start(reference, context);
      },
    }),
    (provider) => ({ ...provider, stop: provider.terminate }),
    (provider) => ({
      ...provider,
      list: async (scope, context) =>
        (await provider.list(scope, context)).filter(({ status }) => status !== "stopped"),
    }),
  ],
  "logs give the last lines": [
    (provider) => ({
      ...provider,
      logs: (reference, options, context) => provider.logs(reference, { ...options, tail: 1000 }, context),
    }),
  ],
  "logs that follow end": [
    (provider) => ({
      ...provider,
      logs: async function* (reference, options, context) {
        yield* provider.logs(reference, options, context);
        throw new AtlasError("NOT_FOUND", "gone");
      },
    }),
  ],
  "logs of an instance that does not exist": [
    (provider) => ({
      ...provider,
      logs: async function* () {
        yield { line: "there is no such instance", source: "system" };
      },
    }),
  ],
  "a create refused for": [repeatsTheCreate, namesEverythingProvider, leavesSomething, tellsTheEnvironment],
  "a create that meets a rate limit": [leavesSomething, namesEverythingProvider],
  "a create that meets nothing but rate limits": [leavesSomething, namesEverythingProvider],
  "a create that hangs": [deniesCreation],
  "a get that hangs": [answersNothing],
  "a list that hangs": [answersNothing],
  "a find that hangs": [answersNothing],
  "a terminate that hangs": [answersNothing],
  "a create that meets": [repeatsTheCreate, leavesSomething, tellsTheEnvironment],
  "a get that meets": [answersNothing],
  "a list that meets": [answersNothing],
  "a find that meets": [answersNothing],
  "a terminate that meets": [answersNothing],
  "a call whose signal": [answersNothing, ignoresSignals],
};

/** Every breakage of the law with this name. */
export function breakagesOf(law: string): readonly Breakage[] {
  const beginnings = Object.keys(BREAKAGES).filter((beginning) => law.startsWith(beginning));
  return BREAKAGES[beginnings.sort((first, second) => second.length - first.length)[0] ?? ""] ?? [];
}
