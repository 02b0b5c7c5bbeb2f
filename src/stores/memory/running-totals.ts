/** What the live computes come to, kept up to date with every change instead of counted anew. */
import { type ComputeRecord, isLive, type Usage } from "../../store.ts";

interface Total {
  computes: number;
  nanoDollarsPerHour: number;
}

/** The live computes of a namespace, in all and by user. */
export class RunningTotals {
  readonly #all: Total = { computes: 0, nanoDollarsPerHour: 0 };
  readonly #byUser = new Map<string, Total>();

  /** Counts a record that came, or takes back one that is no more. A record that is not live counts for nothing. */
  count(record: ComputeRecord, sign: 1 | -1): void {
    if (!isLive(record.status)) return;
    add(this.#all, record, sign);
    if (record.userId === null) return;
    const ofUser = this.#byUser.get(record.userId) ?? { computes: 0, nanoDollarsPerHour: 0 };
    add(ofUser, record, sign);
    if (ofUser.computes === 0) this.#byUser.delete(record.userId);
    else this.#byUser.set(record.userId, ofUser);
  }

  /** What is counted now, in all and for one user. */
  usage(userId: string | null): Usage {
    const ofUser = userId === null ? undefined : this.#byUser.get(userId);
    return {
      computes: this.#all.computes,
      costPerHour: this.#all.nanoDollarsPerHour / 1e9,
      userComputes: ofUser?.computes ?? 0,
      userCostPerHour: (ofUser?.nanoDollarsPerHour ?? 0) / 1e9,
    };
  }
}

/** In whole nano-dollars, because a sum of floats drifts as they come and go. */
function add(total: Total, record: ComputeRecord, sign: 1 | -1): void {
  total.computes += sign;
  total.nanoDollarsPerHour += sign * Math.round((record.costPerHour ?? 0) * 1e9);
}
