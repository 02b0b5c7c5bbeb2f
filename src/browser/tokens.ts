/** The place of a tab's tokens: `sessionStorage`, or another object with these methods. */
export type TokenStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** The tab's `sessionStorage`. Where there is none, or the browser refuses it, a token lives as long as the page. */
export function tabStorage(): TokenStorage {
  try {
    return sessionStorage;
  } catch {
    const memory = new Map<string, string>();
    return {
      getItem: (key) => memory.get(key) ?? null,
      setItem: (key, value) => memory.set(key, value),
      removeItem: (key) => memory.delete(key),
    };
  }
}
