/** The names of the volumes that are kept for users. */
import { namePrefix } from "../../internal/names.ts";

const DEFAULT_SLOT = "default";
const HASH_CHARACTERS = 32;

/** The volume of a user and a slot: `atlas-<namespace>-<hash>`. The hash hides the user's name from readers of the socket. */
export function keptVolumeName(prefix: string, userId: string, slot: string = DEFAULT_SLOT): string {
  // Loaded at its first use, because an import of the provider must not wait for it.
  const hash = process
    .getBuiltinModule("node:crypto")
    .createHash("sha256")
    .update(JSON.stringify([userId, slot]))
    .digest("hex");
  return `${prefix}${hash.slice(0, HASH_CHARACTERS)}`;
}

/** See `KeptVolumes.nameOf`. */
export function nameOfKeptVolume(namespace: string, userId: string, slot?: string): string {
  return keptVolumeName(namePrefix(namespace), userId, slot);
}
