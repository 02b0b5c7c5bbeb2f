/** Which records are due next: a binary heap over the time, in which outdated entries are dropped when they surface. */

interface Entry {
  readonly id: string;
  readonly at: number;
}

/** At most one time for each id. Finding what is due costs as much as there is due. */
export class DueQueue {
  #heap: Entry[] = [];
  readonly #current = new Map<string, Entry>();

  /** Puts the id at this time (milliseconds), or nowhere. */
  set(id: string, at: number | undefined): void {
    if (this.#current.get(id)?.at === at) return;
    this.#current.delete(id);
    if (at !== undefined) {
      const entry = { id, at };
      this.#current.set(id, entry);
      this.#push(entry);
    }
    if (this.#heap.length > 2 * this.#current.size + 64) this.#compact();
  }

  /** Up to `limit` ids whose time has come and that are accepted, earliest first. They stay in the queue. */
  due(now: number, limit: number, accepts: (id: string) => boolean): string[] {
    const seen: Entry[] = [];
    const found: string[] = [];
    while (found.length < limit) {
      const top = this.#heap[0];
      if (top === undefined || top.at > now) break;
      this.#pop();
      if (this.#current.get(top.id) !== top) continue;
      seen.push(top);
      if (accepts(top.id)) found.push(top.id);
    }
    for (const entry of seen) this.#push(entry);
    return found;
  }

  /** A sorted array is a heap. */
  #compact(): void {
    this.#heap = [...this.#current.values()].sort((left, right) => left.at - right.at);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.at <= entry.at) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const below = this.#earlierChild(index);
      const child = heap[below];
      if (child === undefined || child.at >= last.at) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
  }

  #earlierChild(index: number): number {
    const left = 2 * index + 1;
    const right = left + 1;
    const leftAt = this.#heap[left]?.at ?? Number.POSITIVE_INFINITY;
    const rightAt = this.#heap[right]?.at ?? Number.POSITIVE_INFINITY;
    return rightAt < leftAt ? right : left;
  }
}
