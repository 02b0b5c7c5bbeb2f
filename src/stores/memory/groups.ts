/** An index over records in memory. */
import type { ComputeRecord } from "../../store.ts";

/** Records by a key that several may share. An empty group is forgotten. */
export class Groups<Key> {
  readonly #groups = new Map<Key, Map<string, ComputeRecord>>();

  /** The keys under which there are records, in no order. */
  get keys(): readonly Key[] {
    return [...this.#groups.keys()];
  }

  /** The records under a key. */
  of(key: Key): readonly ComputeRecord[] {
    return [...(this.#groups.get(key)?.values() ?? [])];
  }

  add(key: Key, record: ComputeRecord): void {
    const group = this.#groups.get(key) ?? new Map<string, ComputeRecord>();
    this.#groups.set(key, group.set(record.id, record));
  }

  remove(key: Key, { id }: ComputeRecord): void {
    const group = this.#groups.get(key);
    group?.delete(id);
    if (group?.size === 0) this.#groups.delete(key);
  }
}
