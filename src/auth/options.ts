import { AtlasError } from "../errors.ts";

/** Throws `VALIDATION` for an option that does not exist, so that a typo never becomes a default. */
export function requireKnownOptions(functionName: string, options: unknown, known: readonly string[]): void {
  const names = typeof options === "object" && options !== null ? Object.keys(options) : undefined;
  const unknown = names?.find((name) => !known.includes(name));
  if (names !== undefined && unknown === undefined) return;
  const complaint = names === undefined ? "needs its options" : `has no option "${unknown}"`;
  throw new AtlasError("VALIDATION", `${functionName} ${complaint}. Its options are: ${known.join(", ")}.`);
}

/** Throws `VALIDATION` for a secret that is no text or empty. The message never shows what came. */
export function requireSecret(functionName: string, secret: unknown): void {
  if (typeof secret === "string" && secret !== "") return;
  throw new AtlasError("VALIDATION", `${functionName} needs a secret: a string that is not empty.`);
}

/** The secrets a verifier may try. What is empty or no text is none, so an unset variable opens nothing. */
export function usableSecrets(secret: string | readonly string[]): string[] {
  return [secret].flat().filter((candidate) => typeof candidate === "string" && candidate !== "");
}

/**
 * Runs a check that must not throw, and answers `refusal` where it would have. Candidates never make a
 * check throw; options of a wrong type do, and a guard that is set up wrongly has to refuse, not to crash.
 */
export function failClosed<Result>(check: () => Result, refusal: Result): Result {
  try {
    return check();
  } catch {
    return refusal;
  }
}

/** Throws `VALIDATION` for a number that is not finite, or out of bounds. What is not there is allowed. */
export function requireNumbers(
  functionName: string,
  options: object,
  minimums: Readonly<Record<string, number>>,
): void {
  for (const [name, minimum] of Object.entries(minimums)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined || (Number.isFinite(value) && Number(value) >= minimum)) continue;
    throw new AtlasError("VALIDATION", `${functionName} needs ${name} to be a number from ${minimum}.`);
  }
}

/** Throws `VALIDATION` for an option that is no function. */
export function requireFunction(functionName: string, name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new AtlasError("VALIDATION", `${functionName} needs ${name} to be a function.`);
}
