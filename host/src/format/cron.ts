/** Times by the calendar, in the machine's own time zone: five fields, minute hour day month weekday. @source plugin-platform §2.1 contributes.schedules */
import { Cron } from "croner";

/** Unix milliseconds of the first time after `after`; null when the text is no such pattern or names no day that comes. */
export function nextCronTime(pattern: string, after: number): number | null {
  if (!/^\S+(?: \S+){4}$/.test(pattern)) return null;
  try {
    return new Cron(pattern, { paused: true, mode: "5-part" }).nextRun(new Date(after))?.getTime() ?? null;
  } catch {
    return null;
  }
}
