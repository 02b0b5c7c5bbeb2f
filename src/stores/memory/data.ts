/** Everything that a store in memory keeps, shared by its handles for each deployment. */
import { differs, notOwned } from "../../store.ts";
import type { MemoryNamespace } from "./namespace.ts";
import { MemoryNotes } from "./notes.ts";
import { MemoryTenants } from "./tenants.ts";

/** The data of one store. */
export class MemoryData {
  readonly namespaces: Map<string, MemoryNamespace> = new Map();
  readonly tenants: MemoryTenants = new MemoryTenants();
  readonly notes: MemoryNotes = new MemoryNotes();
  readonly watchers: Set<(computeId: string) => void> = new Set();
  lastEvent = 0;
  identity: string = crypto.randomUUID();
  /** The deployment of the first insert. */
  deployment: string | undefined;

  /** @throws CONFLICT */
  requireOwnership(name: string | undefined): void {
    const stored = { name: this.deployment, database: undefined };
    const own = { name, database: undefined };
    if (differs(stored, own)) throw notOwned(stored, own);
  }

  /** Takes the stamp of a deployment, and as a copy a new identity. Forgets the accounts. */
  adopt(as: "moved" | "copy", name: string | undefined): void {
    this.deployment = name ?? this.deployment;
    this.notes.forgetAccounts();
    if (as === "copy") this.identity = crypto.randomUUID();
  }
}
