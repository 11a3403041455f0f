import { isDay } from '../check-digits.ts';

/** Whether six digits may be a date, in the given order of day, month and year. The century is not known. */
export function isDateOf(order: 'ddmmyy' | 'yymmdd', digits: string): boolean {
  const [first, second, third] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4, 6)].map(Number);
  const [year = 0, day = 0] = order === 'ddmmyy' ? [third, first] : [first, third];
  // 2000 was a leap year, 1900 was not; people born on 29 February 1900 have died.
  return isDay(2000 + year, second ?? 0, day);
}

/** Whether eight digits are a date of somebody who may be alive. */
export function isBirthDate(yyyymmdd: string): boolean {
  const year = Number(yyyymmdd.slice(0, 4));
  return year >= 1900 && year < 2100 && isDay(year, Number(yyyymmdd.slice(4, 6)), Number(yyyymmdd.slice(6, 8)));
}
