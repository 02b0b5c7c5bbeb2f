/** Ids and names: every instance is called `atlas-<namespace>-<compute id>`. */
/** The names that a provider may have. */
export const PROVIDER_NAME: RegExp = /^[a-z][a-z0-9-]{0,31}$/;

/** The names that a namespace may have. */
export const NAMESPACE: RegExp = /^[a-z][a-z0-9]{0,19}$/;

/** True for a value that has the form of a compute id. */
export function isComputeId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-z]{20}$/.test(value);
}

/** The name prefix that all instances of a namespace share. */
export function namePrefix(namespace: string): string {
  return `atlas-${namespace}-`;
}

/** The exact name of a compute's instance. */
export function instanceName(namespace: string, computeId: string): string {
  return `${namePrefix(namespace)}${computeId}`;
}

/** The compute id in an instance's name, or `undefined` when the name is not exactly one of this namespace's. */
export function computeIdOf(namespace: string, name: string): string | undefined {
  const prefix = namePrefix(namespace);
  const id = name.slice(prefix.length);
  return name.startsWith(prefix) && isComputeId(id) ? id : undefined;
}
