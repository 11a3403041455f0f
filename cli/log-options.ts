import { type LoggerOptions, pino, stdTimeFunctions } from 'pino';

/** The options of every program's log: one line of JSON for each entry, names of levels, times in ISO 8601. */
export function logOptions(level: string): LoggerOptions {
  return {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
}

/** So much may wait where nobody reads standard error; further lines are left out. */
const maxWaitingBytes = 8 * 1024 * 1024;

/** Standard error, for a process that must not wait for it. */
export function logDestination() {
  return pino.destination({ dest: 2, sync: false, maxLength: maxWaitingBytes });
}
