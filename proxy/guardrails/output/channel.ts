import type { Match, Progress, TextStream } from '../detect/detector.ts';
import type { Rule } from '../rule.ts';
import { JsonView, plainPiece } from '../texts/json-view.ts';
import { isCovered, type Placed, replaceMatch, Segment } from '../texts/segment.ts';

/** What reads the text of a channel: a rule, or what puts callers' values back. */
export interface Stage {
  /** Undefined: values are put back. */
  readonly rule: Rule | undefined;
  open(): TextStream;
  substitute(kind: string, value: string): string;
}

export interface ChannelOptions {
  readonly stages: readonly Stage[];
  readonly isJson: boolean;
  /** A rule has found something. @param blocks whether the answer ends with it */
  readonly onHit: (rule: Rule, blocks: boolean) => void;
}

interface OpenStage extends Stage {
  readonly stream: TextStream;
  settledUpTo: number;
  /** Matches that wait until the stages before have settled all of their text. */
  readonly pending: Match[];
}

/** One text of an answer that arrives in pieces, such as the content of a choice. */
export class Channel {
  readonly #onHit: ChannelOptions['onHit'];
  readonly #stages: readonly OpenStage[];
  readonly #view: JsonView | undefined;
  /** The segments from the first that is not settled. */
  #placed: Placed[] = [];
  #length = 0;
  #settledUpTo = 0;
  #isOver = false;

  constructor({ stages, isJson, onHit }: ChannelOptions) {
    this.#onHit = onHit;
    this.#view = isJson ? new JsonView() : undefined;
    this.#stages = stages.map((stage) => ({
      rule: stage.rule,
      open: stage.open,
      substitute: stage.substitute,
      stream: stage.open(),
      settledUpTo: 0,
      pending: [],
    }));
  }

  push(text: string): Held {
    const piece = this.#view ? this.#view.push(text) : plainPiece(text);
    const placed = { segment: new Segment(piece), start: this.#length, end: this.#length + piece.text.length };
    this.#placed.push(placed);
    this.#length = placed.end;
    for (const stage of this.#stages) note(stage, stage.stream.push(piece.text));
    this.#settle();
    return new Held(this, placed);
  }

  /** The text is complete. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stage of this.#stages) note(stage, stage.stream.end());
    this.#settle();
  }

  isSettled({ end }: Placed): boolean {
    if (this.#isOver) return true;
    // The last piece waits for the end of its escape.
    if (this.#view?.isUnfinished() && end >= this.#length) return false;
    return end <= this.#settledUpTo;
  }

  /** The rest of an escape that never came to its end. */
  takeRest({ end }: Placed): string {
    return this.#isOver && end >= this.#length ? (this.#view?.takeCarry() ?? '') : '';
  }

  #settle(): void {
    let settledUpTo = this.#length;
    for (const stage of this.#stages) {
      this.#takeMatches(stage, settledUpTo);
      // What only counts holds nothing back.
      if (stage.rule?.action === 'Report') continue;
      settledUpTo = Math.min(settledUpTo, stage.settledUpTo, stage.pending[0]?.start ?? settledUpTo);
    }
    this.#settledUpTo = settledUpTo;
    const first = this.#placed.findIndex(({ end }) => end > settledUpTo);
    if (first !== 0) this.#placed = first === -1 ? [] : this.#placed.slice(first);
  }

  /** @param upTo how far the stages before have settled */
  #takeMatches(stage: OpenStage, upTo: number): void {
    for (let match = stage.pending[0]; match && match.end <= upTo; match = stage.pending[0]) {
      stage.pending.shift();
      this.#take(stage, match);
    }
  }

  #take({ rule, substitute }: OpenStage, { start, end, kind }: Match): void {
    if (rule?.action !== 'Report' && isCovered(this.#placed, start, end)) return;
    if (rule && rule.action !== 'Redact') {
      this.#onHit(rule, rule.action === 'Block');
      return;
    }
    const replaced = replaceMatch(this.#placed, start, end, {
      kind,
      substitute,
      isRestored: rule === undefined,
      view: this.#view,
    });
    if (rule) this.#onHit(rule, !replaced);
  }
}

function note(stage: OpenStage, { settledUpTo, matches }: Progress): void {
  stage.settledUpTo = settledUpTo;
  stage.pending.push(...matches);
}

/** A piece of a channel's text, until it can be written. */
export class Held {
  readonly #channel: Channel;
  readonly #placed: Placed;

  constructor(channel: Channel, placed: Placed) {
    this.#channel = channel;
    this.#placed = placed;
  }

  isSettled(): boolean {
    return this.#channel.isSettled(this.#placed);
  }

  /** @param original the piece as it arrived; it is returned where nothing in it changes */
  write(restored: boolean): string {
    return this.#placed.segment.write(restored) + this.#channel.takeRest(this.#placed);
  }
}
