/** Times, durations and amounts as the page writes them. Pure. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** Writes a duration by its two largest units: `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY)
    return `${Math.floor(whole / HOUR)} h ${String(Math.floor((whole % HOUR) / MINUTE)).padStart(2, "0")} min`;
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
}

/** Writes the way to a time: `in 12 min`, or `12 min ago`. */
export function relative(time: Date, now: Date): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 0.5) return "now";
  return seconds >= 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
}

/** Writes a time for people, in UTC: `2030-01-31 09:41:07`. */
export function utc(time: Date): string {
  return time.toISOString().slice(0, 19).replace("T", " ");
}

const cents = dollarFormat(2);
const tenths = dollarFormat(3);
const hourFormat = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const thousands = new Intl.NumberFormat("en-US");

/** Writes US dollars: small amounts with more digits. */
export function dollars(amount: number | null): string {
  if (amount === null) return "–";
  return (amount !== 0 && Math.abs(amount) < 1 ? tenths : cents).format(amount);
}

/** Writes a number with its thousands apart. */
export function count(number: number): string {
  return thousands.format(number);
}

/** Writes seconds as hours: `12.5`. */
export function hours(seconds: number): string {
  return hourFormat.format(seconds / HOUR);
}

/** A format is slow to make, and a page writes hundreds of amounts. */
function dollarFormat(digits: number): Intl.NumberFormat {
  const style = { style: "currency", currency: "USD" } as const;
  return new Intl.NumberFormat("en-US", {
    ...{ ...style, minimumFractionDigits: digits, maximumFractionDigits: digits },
  });
}
