import { type LoggerOptions, stdTimeFunctions } from 'pino';

/** How every program logs: one line of JSON an entry, levels by name, times as ISO 8601 has them. */
export function logOptions(level: string): LoggerOptions {
  return {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
}
