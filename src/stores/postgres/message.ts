/** The message to the listeners of new events: the namespace and the id of a compute. */

/** Makes a message in SQL. */
export function messageSql(namespace: string, computeId: string): string {
  return `${namespace} || '/' || ${computeId}`;
}

/** Reads the compute's id in a message; `undefined` for a message of a version that sent only the namespace. */
export function computeIn(message: string | undefined): string | undefined {
  return message?.split("/")[1];
}
