import type { ProxyError } from '../../error.ts';
import type { Exchange } from '../../providers/exchange.ts';
import type { Body } from '../../providers/json.ts';
import type { StreamReader } from '../../providers/reading.ts';
import type { Rule } from '../rule.ts';
import type { Path, Texts } from '../texts/passages.ts';
import type { Stage } from './channel.ts';

/** The rules on the answer of one call, and what they have found so far. */
export interface OutputGuard {
  /** The reason why the client does not get the answer. */
  problem(): ProxyError | undefined;
  /**
   * Wraps the exchange, so that whole answers, and streams that wait for their end, are judged before any other sink.
   *
   * @param openReader reads a stream of the call into a whole answer
   * @param addAnswer is charged for the memory of what waits
   */
  guardExchange(exchange: Exchange, openReader: () => StreamReader, addAnswer: (bytes: number) => void): Exchange;
  /** Whether some rules need the whole answer, so that a stream waits for its end. */
  needsWhole(): boolean;
  /** Guards a stream that passes. */
  stream(reader: StreamReader): StreamReader;
  /** Judges an answer by all rules. @returns the answer as it may be recorded; undefined where nothing changed */
  answer(answer: Body): Body | undefined | Promise<Body | undefined>;
  /** Whether callers get values of theirs back. */
  restores(): boolean;
  /** The client's answer: with the caller's values in place of their placeholders. */
  present(answer: Body): Body;
}

/** What the guard of a passing stream works with. */
export interface StreamRules extends Pick<OutputGuard, 'problem'> {
  isBlocked(): boolean;
  /** What reads each text, in order. */
  stages(): readonly Stage[];
  /** A rule has found something in a passing text. */
  hit(rule: Rule, blocks: boolean): void;
  /** Counts the text of a stream. */
  sawText(text: string): void;
  /** Judges texts that stand whole in a stream. @returns what to write in place of them, for the client */
  judgeWhole(texts: Texts): ReadonlyMap<Path, string>;
  /** Judges the data of an event that nobody can read. It passes as it is, or not at all. */
  judgeUnreadable(text: string): void;
  /** What is recorded of a stream: the answer as the rules left it, without the caller's values. */
  recorded(output: string | undefined): string | undefined;
}

/** What the guard of answers that wait works with. */
export interface WholeRules extends Pick<OutputGuard, 'answer' | 'needsWhole'> {
  /** Judges a stream by the rules that need all of it. @param answer what the stream says, as a whole answer */
  wholeStream(answer: Body): Promise<void>;
  /** Refuses the answer, since a rule cannot be applied to it. */
  refuseUnread(): void;
}
