import { type LoggerOptions, stdTimeFunctions } from 'pino';

/** The options of every program's log: one line of JSON for each entry, names of levels, times in ISO 8601. */
export function logOptions(level: string): LoggerOptions {
  return {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
}
