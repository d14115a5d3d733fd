import { useFormats } from "./format";

// What begins or ends on a day does so at 00:00 in Japan, whatever the zone of
// the server or of the browser. A day is written as fields have it: 2027-04-01.

const jst = 9 * 3_600_000;
const length = 86_400_000;

/** The moment at which a day begins in Japan. */
export const dayStart = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) - jst).toISOString();

/** The moment at which a day is over: the beginning of the next. */
export const dayEnd = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) - jst + length).toISOString();

/** The day on which something begins. */
export const dayOf = (moment: string | Date): string => new Date(new Date(moment).getTime() + jst).toISOString().slice(0, 10);

/** The last day of what ends at a moment. */
export const lastDayOf = (moment: string | Date): string => dayOf(new Date(new Date(moment).getTime() - 1));

/** The first of April that comes next: a Japanese office's year begins there. */
export function nextApril(now = new Date()): string {
  const today = dayOf(now);
  const year = Number(today.slice(0, 4));
  return today < `${year}-04-01` ? `${year}-04-01` : `${year + 1}-04-01`;
}

/** Gives the words for a day, in the calendar that the person chose. */
export function useDayText(): (day: string) => string {
  const format = useFormats();
  return (day) => {
    const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
    return format.date(new Date(year, month - 1, date));
  };
}
