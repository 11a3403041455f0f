import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { logOptions } from '../log-options.ts';

export const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];

export interface LogOptions {
  readonly level: string;
  readonly format: LogFormat;
  /** Standard error where absent. */
  readonly destination?: NodeJS.WritableStream;
}

/** The operator's log, as JSON or as text. */
export function makeOperatorLog({ level, format, destination }: LogOptions): Logger {
  const options = logOptions(level);
  const out = destination ?? pino.destination(2);
  return format === 'json' ? pino(options, out) : pino(options, toText(out));
}

/** For people: `2026-06-01T12:00:00.000Z WARN condition changed controller=persona name=support`. */
function toText(destination: { write(text: string): unknown }): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      const { time, level, msg, err, ...rest } = JSON.parse(line);
      const fields = Object.entries({ ...rest, ...(err && { err: err.message }) });
      const pairs = fields.map(
        ([name, value]) => `${name}=${typeof value === 'string' ? quote(value) : JSON.stringify(value)}`,
      );
      destination.write(`${[time, level.toUpperCase(), msg, ...pairs].join(' ')}\n`);
      done();
    },
  });
}

function quote(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : JSON.stringify(text);
}
