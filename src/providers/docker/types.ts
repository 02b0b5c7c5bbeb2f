/** Types of `docker()` that an application can name. */
import type { CallContext } from "../../call-context.ts";
import type { Provider } from "../../provider.ts";

/** A volume that is kept for a user. */
export interface KeptVolume {
  readonly name: string;
  readonly createdAt?: Date;
}

/** The volumes that are kept for users, which no end of a compute removes. */
export interface KeptVolumes {
  /** Lists the kept volumes of a namespace. */
  list(namespace: string, context: CallContext): Promise<readonly KeptVolume[]>;
  /** The volume's name of a user and a slot; it need not exist yet. */
  nameOf(namespace: string, userId: string, slot?: string): string;
  /** Removes a kept volume. An absent one is success. @throws CONFLICT while a compute uses it */
  remove(name: string, context: CallContext): Promise<void>;
}

/** A provider of containers, with the optional methods that Docker supports. */
export type DockerProvider = Provider &
  Required<Pick<Provider, "parseOptions" | "find" | "stop" | "start" | "logs" | "listGpuTypes">> & {
    /** The volumes that are kept for users. */
    readonly volumes: KeptVolumes;
  };
