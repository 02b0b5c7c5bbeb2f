/** Faults to plant in the code, each of which the simulation must find. */

/** A fault: a text of one file, and what stands there instead. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The law that it breaks. */
  readonly law: number;
  /** The scenarios that find it. */
  readonly scenario: string;
}

/** The faults. */
export const mutations: readonly Mutation[] = [
  {
    name: "the pod comes before its row",
    file: "src/lifecycle/spawn/place.ts",
    from: "const earlier = await store.insert(intent, event, limits);",
    to: "const earlier = undefined; void store.insert(intent, event, limits);",
    law: 1,
    scenario: "slot",
  },
  {
    name: "a create of unknown outcome is tried elsewhere",
    file: "src/lifecycle/failures.ts",
    from: "return !mayHaveCreated(error) && CLEAN_REFUSALS.has(error.code);",
    to: 'return CLEAN_REFUSALS.has(error.code) || error.code === "TRANSPORT";',
    law: 2,
    scenario: "crowd",
  },
  {
    name: "an insert does not look for its key",
    file: "src/stores/memory/index.ts",
    from: "if (existing !== undefined) return copy(existing);",
    to: "",
    law: 2,
    scenario: "key",
  },
  {
    name: "an uncertain create is given up",
    file: "src/lifecycle/spawn/reconcile.ts",
    from: 'status: "uncertain",',
    to: 'status: "failed", endedAt: now, dueAt: null,',
    law: 4,
    scenario: "crowd",
  },
  {
    name: "a worker that lost its lease writes",
    file: "src/lifecycle/record/lease.ts",
    from: "record.lease === lease ? decide(record, now) : undefined,",
    to: "decide(record, now),",
    law: 4,
    scenario: "lag",
  },
  {
    name: "the reaper takes a new instance for an orphan",
    file: "src/lifecycle/reap/orphans.ts",
    from: "return record.providerId !== null && record.providerId !== instance.providerId;",
    to: "return record.providerId !== instance.providerId;",
    law: 4,
    scenario: "slot",
  },
  {
    name: "an accepted end counts as an end",
    file: "src/lifecycle/end-instance.ts",
    from: "if (isGone) return",
    to: "if (isGone || namesakes) return",
    law: 4,
    scenario: "lag",
  },
  {
    name: "a new instance that is not listed yet counts as gone",
    file: "src/lifecycle/end-instance.ts",
    from: '(await context.store.now()) >= provenFrom ? "missed" : "there"',
    to: '(await context.store.now()) >= provenFrom ? "missed" : "gone"',
    law: 4,
    scenario: "lag",
  },
  {
    name: "a write does not compare versions",
    file: "src/stores/memory/index.ts",
    from: "?.version !== record.version - 1) return false;",
    to: " === undefined) return false;",
    law: 4,
    scenario: "crowd",
  },
  {
    name: "an insert does not look for its slot",
    file: "src/stores/memory/index.ts",
    from: "if (holder !== undefined && holder.id !== record.id) throw slotTaken(record, holder.id);",
    to: "",
    law: 4,
    scenario: "slot",
  },
  {
    name: "an insert checks no limits",
    file: "src/stores/sql/rules.ts",
    from: "return Object.values(limits).some((limit) => limit !== undefined);",
    to: "return limits === undefined;",
    law: 4,
    scenario: "limit",
  },
  {
    name: "another owner's instance is ended",
    file: "src/lifecycle/reap/orphans.ts",
    from: "const ours = orphans.filter((instance) => instance.owner === owner);",
    to: "const ours = orphans;",
    law: 5,
    scenario: "crowd",
  },
  {
    name: "a token is logged",
    file: "src/lifecycle/spawn/place.ts",
    from: "tell(context, intent, event);",
    to: "tell(context, intent, event); context.logger.info(String(state.secrets.token));",
    law: 6,
    scenario: "slot",
  },
  {
    name: "a change is timed by the process's own clock",
    file: "src/lifecycle/record/change.ts",
    from: "const change = decide(record, now);",
    to: "const change = decide(record, context.clock.now());",
    law: 8,
    scenario: "crowd",
  },
  {
    name: "a claim takes leased records",
    file: "src/stores/memory/namespace.ts",
    from: "isPast(dueAt, now) && (leaseUntil === null || leaseUntil <= now)",
    to: "isPast(dueAt, now) && leaseUntil !== undefined",
    law: 9,
    scenario: "crowd",
  },
  {
    name: "a page of the edge counts as the pod's answer",
    file: "src/lifecycle/probe.ts",
    from: "hasNoProof)\n    return { ready: false,",
    to: "hasNoProof)\n    return { ready: true,",
    law: 15,
    scenario: "belief",
  },
  {
    name: "another deployment writes",
    file: "src/stores/memory/data.ts",
    from: "if (differs(stored, own)) throw notOwned(stored, own);",
    to: "if (differs(stored, own)) notOwned(stored, own);",
    law: 16,
    scenario: "belief",
  },
  {
    name: "a mass disappearance is believed like any other",
    file: "src/lifecycle/record/absence.ts",
    from: 'doubt === "wholesale" ? WHOLESALE_SECONDS : ABSENCE_SECONDS',
    to: "ABSENCE_SECONDS",
    law: 17,
    scenario: "lie",
  },
  {
    name: "an absence in another account is believed",
    file: "src/lifecycle/record/absence.ts",
    from: 'new Set(["account", "listed"])',
    to: 'new Set(["listed"])',
    law: 17,
    scenario: "belief",
  },
  {
    name: "a call takes nothing from the provider's rate",
    file: "src/lifecycle/looks/budget.ts",
    from: "if (!signal?.aborted) this.#calls -= 1;",
    to: "",
    law: 18,
    scenario: "looks",
  },
  {
    name: "a look takes the last call of the provider's rate",
    file: "src/lifecycle/looks/budget.ts",
    from: "const kept = isLook ?",
    to: "const kept = isLook && burst < 0 ?",
    law: 18,
    scenario: "looks",
  },
  {
    name: "every caller that comes looks at once",
    file: "src/lifecycle/looks/looks.ts",
    from: "if (early > 0 &&",
    to: "if (early > MAX_SECONDS &&",
    law: 18,
    scenario: "looks",
  },
  {
    name: "the interval between two rounds counts from the beginning of a round",
    file: "src/lifecycle/looks/looks.ts",
    from: "if (isDue) this.#roundAt = this.#context.clock.now().getTime();",
    to: "if (isDue) this.#roundAt = now.getTime();",
    law: 18,
    scenario: "looks",
  },
  {
    name: "two processes look at the same time",
    file: "src/lifecycle/looks/look.ts",
    from: "(isCheap || !wasLookedAt(current, claim.spacingSeconds, now))",
    to: "(isCheap || claim.spacingSeconds >= 0)",
    law: 18,
    scenario: "looks",
  },
  {
    name: "waiting is no sign of life",
    file: "src/lifecycle/looks/look.ts",
    from: "const isWaiting = claim.isAwaited &&",
    to: "const isWaiting = !claim.isAwaited &&",
    law: 19,
    scenario: "looks",
  },
  {
    name: "the last lines of a failed program are lost",
    file: "src/lifecycle/looks/look.ts",
    from: "return { logs: await lastLines(",
    to: "if (change !== undefined) return {}; return { logs: await lastLines(",
    law: 19,
    scenario: "looks",
  },
  {
    name: "a compute that its provider stopped stays for ever",
    file: "src/lifecycle/record/observe.ts",
    from: "idleDeadline: after(now, idleTimeoutSeconds ?? STOPPED_SECONDS),",
    to: "idleDeadline: null,",
    law: 19,
    scenario: "looks",
  },
];

/** The fault of this name. @throws Error */
export function mutationNamed(name: string): Mutation {
  const found = mutations.find((mutation) => mutation.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no mutation "${name}": ${mutations.map((mutation) => mutation.name).join(", ")}`);
}

/** The file's text with the fault in it. @throws Error where the text to replace is not there exactly once */
export function changed({ name, file, from, to }: Mutation, text: string): string {
  const parts = text.split(from);
  const [before, after] = parts;
  if (before !== undefined && after !== undefined && parts.length === 2) return before + to + after;
  throw new Error(
    `mutation "${name}" does not fit ${file} any more: it has ${parts.length - 1} of the text to change`,
  );
}
