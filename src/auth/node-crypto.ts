type Crypto = typeof import("node:crypto");

let loaded: Crypto | undefined;

/** `node:crypto`, loaded at its first use: it would take a third of the time that importing the client may take. */
export function nodeCrypto(): Crypto {
  loaded ??= process.getBuiltinModule("node:crypto");
  return loaded;
}
