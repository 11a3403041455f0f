import { parseObject } from '../../providers/json.ts';
import type { StreamReader } from '../../providers/reading.ts';
import { isDone, makeEventSplitter, parseEvent } from '../../providers/sse.ts';
import { type Path, withTexts } from '../texts/passages.ts';
import { Channel, type Held } from './channel.ts';
import type { ErrorEvent } from './error-event.ts';
import type { ReadEvent } from './event-texts.ts';
import type { StreamRules } from './output-guard.ts';

export interface GuardedStreamOptions {
  readonly reader: StreamReader;
  readonly readEvent: ReadEvent;
  readonly textIsJson: boolean;
  readonly guard: StreamRules;
  readonly errorEvent: ErrorEvent;
}

/** An event that waits until its texts are settled, or for an event before it. */
interface Waiting {
  readonly raw: string;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly held: readonly { readonly path: Path; readonly text: string; readonly piece: Held }[];
  readonly whole: ReadonlyMap<Path, string>;
}

/**
 * Guards a stream: the client gets an event when the rules have settled all of its texts. An event without a match
 * passes as its own bytes. Where a rule blocks, the client gets an error event, and the rest of the answer is read for
 * its usage alone.
 */
export function guardStream(options: GuardedStreamOptions): StreamReader {
  const { reader, guard } = options;
  const events = makeEventSplitter();
  const guarded = new GuardedEvents(options);
  let hasTold = false;

  /** @returns what the client gets now */
  const show = (raws: readonly string[]): Buffer | undefined => {
    if (hasTold) return undefined;
    let shown = '';
    for (const raw of raws) {
      // Rules that need the whole answer have judged it before.
      if (guard.isBlocked()) break;
      shown += guarded.push(raw);
    }
    return finish(shown);
  };
  const finish = (shown: string): Buffer | undefined => {
    const problem = guard.problem();
    if (!problem) return shown === '' ? undefined : Buffer.from(shown, 'latin1');
    hasTold = true;
    return Buffer.concat([Buffer.from(shown, 'latin1'), Buffer.from(options.errorEvent(problem, guarded.lastData()))]);
  };

  return {
    read(chunk) {
      const passed = reader.read(chunk);
      return passed ? show(events.push(passed)) : undefined;
    },
    end() {
      const passed = reader.end();
      const raws = passed ? [...events.push(passed)] : [];
      const last = events.end();
      if (last !== undefined) raws.push(last);
      const shown = show(raws);
      if (hasTold) return shown;
      const rest = finish(guarded.end());
      return shown && rest ? Buffer.concat([shown, rest]) : (shown ?? rest);
    },
    reading() {
      const reading = reader.reading();
      const problem = guard.problem();
      return reading && problem ? { ...reading, failed: true, errorCode: problem.code } : reading;
    },
    hasOutput: () => reader.hasOutput(),
    partial: () => reader.partial(),
    output: () => guard.recorded(reader.output()),
    isBetweenEvents: () => true,
    isOver: () => hasTold,
  };
}

class GuardedEvents {
  readonly #options: GuardedStreamOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #waiting: Waiting[] = [];
  #lastData: Readonly<Record<string, unknown>> | undefined;

  constructor(options: GuardedStreamOptions) {
    this.#options = options;
  }

  /** The last event that the client has. */
  lastData(): Readonly<Record<string, unknown>> | undefined {
    return this.#lastData;
  }

  /** @returns the events that may pass now */
  push(raw: string): string {
    const { readEvent, textIsJson, guard } = this.#options;
    const { name, data: text } = parseEvent(raw);
    const data = parseObject(text) ?? undefined;
    if (!data) {
      if (isDone(text)) this.#endAll('');
      // Nobody knows what such an event says, so it is read as text.
      else if (text !== '') guard.judgeUnreadable(text);
      this.#waiting.push({ raw, data, held: [], whole: noTexts });
      return this.#release();
    }
    const { deltas, whole, ends } = readEvent(name, data, textIsJson);
    const held = deltas.map(({ channel, path, text: piece, isJson }) => {
      guard.sawText(piece);
      return { path, text: piece, piece: this.#channelOf(channel, isJson).push(piece) };
    });
    const edits = whole && whole.passages.length > 0 ? guard.judgeWhole(whole) : noTexts;
    this.#waiting.push({ raw, data, held, whole: edits });
    for (const prefix of ends) this.#endAll(prefix);
    return this.#release();
  }

  /** The stream is over. @returns what was held back */
  end(): string {
    this.#endAll('');
    return this.#release();
  }

  #channelOf(name: string, isJson: boolean): Channel {
    const known = this.#channels.get(name);
    if (known) return known;
    const { guard } = this.#options;
    const made = new Channel({ stages: guard.stages(), isJson, onHit: (rule, blocks) => guard.hit(rule, blocks) });
    this.#channels.set(name, made);
    return made;
  }

  #endAll(prefix: string): void {
    for (const [name, channel] of this.#channels) {
      if (!name.startsWith(prefix)) continue;
      channel.end();
      this.#channels.delete(name);
    }
  }

  #release(): string {
    let released = '';
    while (!this.#options.guard.isBlocked()) {
      const [first] = this.#waiting;
      if (!first?.held.every(({ piece }) => piece.isSettled())) break;
      this.#waiting.shift();
      if (first.data) this.#lastData = first.data;
      released += this.#write(first);
    }
    return released;
  }

  #write({ raw, data, held, whole }: Waiting): string {
    const changed = new Map(whole);
    for (const { path, text, piece } of held) {
      const written = piece.write(true);
      if (written !== text) changed.set(path, written);
    }
    if (!data || changed.size === 0) return raw;
    return rewriteEvent(raw, withTexts(data, changed));
  }
}

const noTexts: ReadonlyMap<Path, string> = new Map();

/** Replaces the data of an event. Its other lines stay. */
function rewriteEvent(raw: string, data: object): string {
  const lines = raw.split(/\r\n|\n|\r/).filter((line) => line !== '' && !/^data(?::|$)/.test(line));
  const written = `data: ${JSON.stringify(data)}`;
  return `${[...lines, Buffer.from(written).toString('latin1')].join('\n')}\n\n`;
}
