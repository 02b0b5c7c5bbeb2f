/** Standing between two parts that call each other. */

/** Asked before a method runs; what it throws is what the caller gets, and while it waits the caller waits. */
export type Before = (method: string, parameters: readonly unknown[]) => unknown;

/** The same object, with every call of a method that returns a promise announced first. */
export function intercept<Target extends object>(
  target: Target,
  methods: readonly string[],
  before: Before,
): Target {
  return new Proxy(target, {
    get(of, key) {
      const value: unknown = Reflect.get(of, key);
      if (typeof value !== "function" || typeof key !== "string") return value;
      if (!methods.includes(key)) return value.bind(of);
      return async (...parameters: readonly unknown[]) => {
        await before(key, parameters);
        return value.apply(of, parameters);
      };
    },
  });
}

/** The methods of a store that read or write. */
export const storeMethods: readonly string[] = [
  ...["identity", "now", "insert", "get", "getByTokenHash", "getByIdempotencyKey", "replace", "list"],
  ...["claimDue", "events"],
];

/** The methods of a provider that ask it something. */
export const providerMethods: readonly string[] = [
  ...["candidates", "create", "get", "list", "find", "terminate", "stop", "start", "listGpuTypes"],
];
