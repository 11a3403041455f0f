import { answerFields } from '../../../crds/text-fields.ts';
import type { ProxyError } from '../../error.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { type Body, parseObject } from '../../providers/json.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import type { StreamReader } from '../../providers/reading.ts';
import type { TextStream } from '../detect/detector.ts';
import type { Placeholders } from '../detect/placeholders.ts';
import { escapeJsonString, restore } from '../detect/restore.ts';
import { type Judgement, type JudgeOptions, judge } from '../judge.ts';
import { heldOf } from '../problem.ts';
import type { Rule, Side } from '../rule.ts';
import { type Path, readTexts, type Texts, withTexts } from '../texts/passages.ts';
import type { Stage } from './channel.ts';
import { errorEventOf } from './error-event.ts';
import { eventReaders } from './event-texts.ts';
import { GuardSink } from './guard-sink.ts';
import { guardStream } from './guarded-stream.ts';
import type { OutputGuard, StreamRules, WholeRules } from './output-guard.ts';
import { restoringStage } from './restoring.ts';
import { saysSomething } from './says-something.ts';

export interface AnswerGuardOptions {
  /** The rules of the output, in order. */
  readonly rules: readonly Rule[];
  /** The values that are put back. Undefined: none. */
  readonly restored: Placeholders | undefined;
  readonly operation: OperationName;
  /** Whether the model was told to answer in JSON. */
  readonly textIsJson: boolean;
  readonly judging: JudgeOptions;
  /** The rule that holds the answer, whatever it says. Absent: none. */
  readonly holding?: Rule | undefined;
  /** Has people review an answer. Absent: who makes the call does that. @returns the item's id */
  readonly hold?: ((rule: Rule, side: Side, answer: Body) => Promise<string>) | undefined;
  /** A rule has found something in the answer. */
  readonly onHit: (rule: Rule) => void;
  /** A rule could not do its work. */
  readonly onFailure: (rule: Rule) => void;
  readonly problemOf: (rule: Rule, hasFailed: boolean) => ProxyError;
}

/** The rules on one answer, and what they have found so far. */
export class AnswerGuard implements OutputGuard, StreamRules, WholeRules {
  readonly #options: AnswerGuardOptions;
  /** Rules that judge a text piece by piece. The others need all of it. */
  readonly #stepwise: readonly Rule[];
  readonly #stages: readonly Stage[];
  #problem: ProxyError | undefined;
  #isChanged = false;
  /** How long the text of a stream is, for each rule that limits it. */
  readonly #lengths: readonly { readonly rule: Rule; readonly stream: TextStream }[];

  constructor(options: AnswerGuardOptions) {
    this.#options = options;
    this.#stepwise = options.rules.filter(
      ({ look, action }) => (look.by === 'matches' || look.by === 'length') && action !== 'Review',
    );
    this.#lengths = this.#stepwise.flatMap((rule) =>
      rule.look.by === 'length' ? [{ rule, stream: rule.look.detector.openStream() }] : [],
    );
    this.#stages = [
      ...this.#stepwise.flatMap((rule) => (rule.look.by === 'matches' ? [this.#stageOf(rule, rule.look)] : [])),
      ...(options.restored ? [restoringStage(options.restored)] : []),
    ];
  }

  /** Whether some rules need the whole answer, so that a stream waits for its end. */
  needsWhole(): boolean {
    return this.#stepwise.length < this.#options.rules.length || this.#options.holding !== undefined;
  }

  /** The reason why the client does not get the answer. */
  problem(): ProxyError | undefined {
    return this.#problem;
  }

  isBlocked(): boolean {
    return this.#problem !== undefined;
  }

  stages(): readonly Stage[] {
    return this.#stages;
  }

  /** Wraps the exchange, so that answers pass the rules before any sink. @see GuardSinkOptions */
  guardExchange(exchange: Exchange, openReader: () => StreamReader, addAnswer: (bytes: number) => void): Exchange {
    return (request, sink) => exchange(request, new GuardSink(sink, { guard: this, openReader, addAnswer }));
  }

  /** Guards a stream that passes. */
  stream(reader: StreamReader): StreamReader {
    const { operation, textIsJson } = this.#options;
    const readEvent = eventReaders[operation];
    if (!readEvent) return reader;
    return guardStream({ reader, readEvent, textIsJson, guard: this, errorEvent: errorEventOf(operation) });
  }

  /** A rule has found something in a passing text. */
  hit(rule: Rule, blocks: boolean): void {
    this.#options.onHit(rule);
    if (!blocks) this.#isChanged = true;
    else this.#problem ??= this.#options.problemOf(rule, false);
  }

  /** Counts the text of a stream. */
  sawText(text: string): void {
    for (const { rule, stream } of this.#lengths) {
      if (stream.push(text).matches.length > 0) this.hit(rule, rule.action === 'Block');
    }
  }

  /** Judges texts that stand whole in a stream. @returns what to write in place of them, for the client */
  judgeWhole(texts: Texts): ReadonlyMap<Path, string> {
    const edits = this.#note(judge(texts, this.#stepwise, this.#options.judging));
    return this.#withRestored(texts, edits);
  }

  /** Judges the data of an event that nobody can read. It passes as it is, or not at all. */
  judgeUnreadable(text: string): void {
    const texts: Texts = { passages: [{ pieces: [{ path: [], text, form: 'text' }] }], tokensIn: undefined };
    this.#note(judge(texts, this.#stepwise, { ...this.#options.judging, isRewritable: false }));
  }

  /** Judges an answer by all rules. @returns the answer as it may be recorded; undefined where nothing changed */
  answer(answer: Body): Body | undefined | Promise<Body | undefined> {
    const texts = this.#textsOf(answer);
    const found = judge(texts, this.#options.rules, this.#options.judging);
    const write = (judgement: Judgement) => {
      const edits = this.#note(judgement);
      const changed = edits.size === 0 ? undefined : withTexts(answer, edits);
      const holding = this.#holdingOf(judgement, changed ?? answer);
      return holding ? holding.then(() => changed) : changed;
    };
    return found instanceof Promise ? found.then(write) : write(found);
  }

  /** Judges a stream by the rules that need all of it. @param answer what the stream says, as a whole answer */
  async wholeStream(answer: Body): Promise<void> {
    const { rules, judging } = this.#options;
    const waiting = rules.filter((rule) => !this.#stepwise.includes(rule));
    const judgement = await judge(this.#textsOf(answer), waiting, judging);
    this.#note(judgement);
    if (!this.#ruleThatHolds(judgement) || this.#problem) return;
    // People see what the client would get.
    const whole = await judge(this.#textsOf(answer), rules, judging);
    const edits = this.#note(whole);
    await this.#holdingOf(whole, edits.size === 0 ? answer : withTexts(answer, edits));
  }

  /** Refuses the answer, since a rule cannot be applied to it. */
  refuseUnread(): void {
    const rule = this.#options.rules.find(({ action }) => action !== 'Report') ?? this.#options.holding;
    if (!rule) return;
    this.#options.onFailure(rule);
    this.#problem ??= this.#options.problemOf(rule, true);
  }

  /** The client's answer: with the caller's values in place of their placeholders. */
  present(answer: Body): Body {
    const texts = this.#textsOf(answer);
    const edits = this.#withRestored(texts, new Map());
    return edits.size === 0 ? answer : withTexts(answer, edits);
  }

  restores(): boolean {
    return this.#options.restored !== undefined;
  }

  /** What is recorded of a stream. The record has the answer as the rules left it, without the caller's values. */
  recorded(output: string | undefined): string | undefined {
    if (this.#problem) return undefined;
    if (output === undefined || !this.#isChanged) return output;
    const answer = parseObject(output);
    if (!answer) return undefined;
    const judgement = judge(this.#textsOf(answer), this.#stepwise, this.#options.judging);
    if (judgement instanceof Promise || judgement.blockedBy) return undefined;
    return JSON.stringify(withTexts(answer, judgement.edits));
  }

  /** Holds an answer that a rule wants people to see. Undefined: it passes, or does not come to that. */
  #holdingOf(judgement: Judgement, answer: Body): Promise<void> | undefined {
    const held = this.#ruleThatHolds(judgement);
    const { hold, operation, problemOf, onFailure } = this.#options;
    if (!held || !hold || this.#problem || !saysSomething(operation, answer)) return undefined;
    const { rule, side } = held;
    return hold(rule, side, answer).then(
      (itemId) => {
        this.#problem ??= heldOf(rule, side, itemId);
      },
      (cause: unknown) => {
        onFailure(rule);
        const problem = problemOf(rule, true);
        problem.cause = cause;
        this.#problem ??= problem;
      },
    );
  }

  #ruleThatHolds({ hits }: Judgement): { readonly rule: Rule; readonly side: Side } | undefined {
    const { holding } = this.#options;
    if (holding) return { rule: holding, side: 'Input' };
    const rule = hits.find(({ action }) => action === 'Review');
    return rule && { rule, side: 'Output' };
  }

  #textsOf(answer: Body): Texts {
    return readTexts(answer, answerFields[this.#options.operation], this.#options.textIsJson);
  }

  #stageOf(rule: Rule, { detector }: Extract<Rule['look'], { by: 'matches' }>): Stage {
    const { substitute } = this.#options.judging;
    return { rule, open: () => detector.openStream(), substitute: (kind, value) => substitute(rule, kind, value) };
  }

  #note(judgement: Judgement | Promise<Judgement>): ReadonlyMap<Path, string> {
    // Rules that work piece by piece do not wait.
    if (judgement instanceof Promise) throw new TypeError('This rule has to be waited for');
    const { hits, failures, blockedBy, hasFailed, edits } = judgement;
    for (const rule of hits) this.#options.onHit(rule);
    for (const rule of failures) this.#options.onFailure(rule);
    if (blockedBy) this.#problem ??= this.#options.problemOf(blockedBy, hasFailed);
    if (edits.size > 0) this.#isChanged = true;
    return edits;
  }

  #withRestored({ passages }: Texts, edits: ReadonlyMap<Path, string>): ReadonlyMap<Path, string> {
    const { restored } = this.#options;
    if (!restored) return edits;
    const all = new Map(edits);
    for (const { pieces } of passages) {
      for (const { path, text, form } of pieces) {
        if (form === 'name') continue;
        const now = edits.get(path) ?? text;
        const shown = restore(restored, now, form === 'json' ? { escape: escapeJsonString } : {});
        if (shown !== now) all.set(path, shown);
      }
    }
    return all;
  }
}
