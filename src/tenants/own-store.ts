import type { Store } from "../store.ts";

/** The store as one tenant's Atlas sees it: every record it adds says whose it is, and it cannot close what others use. */
export function ownStore(store: Store, tenantId: string): Store {
  return {
    name: store.name,
    identity: () => store.identity(),
    now: () => store.now(),
    insert: (record, event, limits) => store.insert({ ...record, tenantId }, event, limits),
    get: (namespace, id) => store.get(namespace, id),
    getByTokenHash: (namespace, hash, kind) => store.getByTokenHash(namespace, hash, kind),
    getByIdempotencyKey: (namespace, key) => store.getByIdempotencyKey(namespace, key),
    replace: (record, event, limits) => store.replace(record, event, limits),
    list: (filter, page) => store.list(filter, page),
    claimDue: (claim) => store.claimDue(claim),
    events: (filter, limit) => store.events(filter, limit),
    ...(store.watch === undefined ? {} : { watch: store.watch.bind(store) }),
    close: async () => undefined,
  };
}
