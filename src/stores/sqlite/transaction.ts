/** Transactions of SQLite. */
import type { DatabaseSync } from "node:sqlite";

/** Runs the work between `begin immediate` and `commit`: the lock is taken at once, so no reader has to become a writer. */
export function inTransaction<Result>(connection: DatabaseSync, work: () => Result): Result {
  connection.exec("begin immediate");
  try {
    const result = work();
    connection.exec("commit");
    return result;
  } catch (error) {
    // Some failures have rolled back already. Node before 22.16 does not report it.
    if (connection.isTransaction !== false) connection.exec("rollback");
    throw error;
  }
}
