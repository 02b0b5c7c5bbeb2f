/** Standing between two parts that call each other. */

/** Wraps a call: makes it, or does something else. The caller gets its result. */
export type Around = (
  call: () => unknown,
  method: string,
  parameters: readonly unknown[],
) => Promise<unknown>;

/** The same object, with something around every call of these methods, which return promises. */
export function surround<Target extends object>(
  target: Target,
  methods: readonly string[],
  around: Around,
): Target {
  // Made once for each method: a simulation reads them millions of times.
  const made = new Map<string, { readonly of: Method; readonly as: Method }>();
  const inPlaceOf = (value: Method, key: string): Method => {
    const call = (parameters: readonly unknown[]): unknown => Reflect.apply(value, target, parameters);
    if (key === "forDeployment")
      return (...parameters) => surround(Object(call(parameters)), methods, around);
    if (!methods.includes(key)) return (...parameters) => call(parameters);
    return (...parameters) => around(() => call(parameters), key, parameters);
  };
  return new Proxy(target, {
    get(of, key) {
      const value: unknown = Reflect.get(of, key);
      if (!isMethod(value) || typeof key !== "string") return value;
      const known = made.get(key);
      if (known?.of === value) return known.as;
      const as = inPlaceOf(value, key);
      made.set(key, { of: value, as });
      return as;
    },
  });
}

type Method = (...parameters: readonly unknown[]) => unknown;

function isMethod(value: unknown): value is Method {
  return typeof value === "function";
}

/** Runs before a method. The caller gets the error that it throws, and waits while it waits. */
export type Before = (method: string, parameters: readonly unknown[]) => unknown;

/** The same object, with every call of these methods announced first. */
export function intercept<Target extends object>(
  target: Target,
  methods: readonly string[],
  before: Before,
): Target {
  return surround(target, methods, async (call, method, parameters) => {
    await before(method, parameters);
    return call();
  });
}

/** The same object, whose next call of a method is preceded once by what `before` was given last. */
export function interceptOnce<Target extends object>(
  target: Target,
  method: string,
): { readonly target: Target; before(act: () => Promise<unknown>): void } {
  const nothing = async (): Promise<unknown> => undefined;
  let next = nothing;
  const intercepted = intercept(target, [method], async () => {
    const once = next;
    next = nothing;
    await once();
  });
  const before = (act: () => Promise<unknown>): void => {
    next = act;
  };
  return { target: intercepted, before };
}

/** The methods of a store that read or write. */
export const storeMethods: readonly string[] = [
  ...["identity", "now", "insert", "get", "getByTokenHash", "getByIdempotencyKey", "replace", "list"],
  ...["getBySlot", "requireOwnership", "adopt", "forget", "remember"],
  ...["claimDue", "events"],
];

/** The methods of a provider that ask it something. */
export const providerMethods: readonly string[] = [
  ...["candidates", "create", "get", "list", "find", "terminate", "stop", "start", "listGpuTypes", "account"],
];
