import type { Detector, Match } from './detect/detector.ts';
import type { Asked, Rule } from './rule.ts';
import { JsonView, plainPiece, viewWhole } from './texts/json-view.ts';
import type { Passage, Path, Piece, Texts } from './texts/passages.ts';
import { isCovered, type Placed, replaceMatch, Segment } from './texts/segment.ts';

/** What the rules say about the texts of one side of a call. */
export interface Judgement {
  /** The rules that found something, in order. */
  readonly hits: readonly Rule[];
  /** The rule by which the texts may not pass. */
  readonly blockedBy: Rule | undefined;
  /** Whether that rule could not do its work. */
  readonly hasFailed: boolean;
  /** Further rules that could not do their work. Their `onError` lets the call pass. */
  readonly failures: readonly Rule[];
  /** The texts to write in place of others. */
  readonly edits: ReadonlyMap<Path, string>;
}

export interface JudgeOptions {
  readonly substitute: (rule: Rule, kind: string, value: string) => string;
  /** Whether texts can be rewritten. Where they cannot, a redaction blocks. */
  readonly isRewritable: boolean;
  /** What services are told besides the texts. */
  readonly call: Omit<Asked, 'texts' | 'signal'>;
}

/**
 * Judges texts by rules, in order. Each rule sees what the rules before it have left. Rules that ask a service do so at
 * the same time. The result is a promise only where such a rule is to be waited for.
 */
export function judge(texts: Texts, rules: readonly Rule[], options: JudgeOptions): Judgement | Promise<Judgement> {
  return new Judging(texts, options).run(rules);
}

/** A passage, with its pieces laid one after the other. */
interface Laid {
  readonly placed: readonly Placed[];
  readonly text: string;
  /** Undefined where none of the pieces is JSON. */
  readonly view: JsonView | undefined;
  readonly isName: boolean;
  /** Positions over one of which a match must reach. Undefined: every match counts. */
  readonly borders: readonly number[] | undefined;
}

/** What a piece becomes where an earlier one has the placeholder of all its text: providers refuse parts without text. */
const emptied = '…';

interface Waiting {
  readonly rule: Rule;
  readonly answer: Promise<boolean>;
}

class Judging {
  readonly #options: JudgeOptions;
  readonly #tokensIn: string | undefined;
  readonly #passages: readonly Passage[];
  readonly #pieces = new Map<Piece, Segment>();
  readonly #laid: readonly Laid[];
  readonly #hits: Rule[] = [];
  readonly #failures: Rule[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #given = new AbortController();
  #blockedBy: Rule | undefined;
  #hasFailed = false;

  constructor({ passages, tokensIn }: Texts, options: JudgeOptions) {
    this.#options = options;
    this.#tokensIn = tokensIn;
    this.#passages = passages;
    this.#laid = passages.map((passage) => lay(passage, this.#pieces));
  }

  run(rules: readonly Rule[]): Judgement | Promise<Judgement> {
    for (const rule of rules) {
      this.#look(rule);
      if (this.#blockedBy) break;
    }
    if (this.#blockedBy || this.#waiting.length === 0) {
      this.#given.abort();
      return this.#judgement();
    }
    return this.#await();
  }

  #look(rule: Rule): void {
    const { look } = rule;
    // Text as tokens cannot be read, so a rule that must read it lets it not pass.
    if (this.#tokensIn !== undefined && look.by !== 'length') this.#fail(rule);
    else if (look.by === 'nothing') this.#fail(rule);
    else if (look.by === 'length') {
      if (this.#isLongerThan(look.detector)) this.#hit(rule);
    } else if (look.by === 'shape') {
      if (!this.#answers().every((answer) => look.isRight(answer))) this.#hit(rule);
    } else if (look.by === 'service') this.#ask(rule, look.objects);
    else this.#match(rule, look.detector);
  }

  #match(rule: Rule, detector: Detector): void {
    for (const laid of this.#laid) {
      for (const match of detector.scan(laid.text)) {
        if (laid.borders && !reachesOver(laid.borders, match.start, match.end)) continue;
        if (isCovered(laid.placed, match.start, match.end)) continue;
        this.#hit(rule, rule.action === 'Redact' ? this.#replace(rule, laid, match) : undefined);
        if (this.#blockedBy) return;
      }
    }
  }

  /** @returns whether it was replaced */
  #replace(rule: Rule, { placed, view, isName }: Laid, { start, end, kind }: Match): boolean {
    if (isName || !this.#options.isRewritable) return false;
    const substitute = (ofKind: string, value: string) => this.#options.substitute(rule, ofKind, value);
    return replaceMatch(placed, start, end, { kind, substitute, isRestored: false, view });
  }

  #ask(rule: Rule, objects: (asked: Asked) => Promise<boolean>): void {
    const texts = this.#current().filter((text) => text !== '');
    if (texts.length === 0) return;
    const answer = objects({ ...this.#options.call, texts, signal: this.#given.signal });
    // Where another rule blocks first, nobody waits for it.
    answer.catch(() => {});
    this.#waiting.push({ rule, answer });
  }

  async #await(): Promise<Judgement> {
    for (const { rule, answer } of this.#waiting) {
      try {
        if (await answer) this.#hit(rule);
      } catch {
        this.#fail(rule);
      }
      if (this.#blockedBy) break;
    }
    this.#given.abort();
    return this.#judgement();
  }

  /** @param wasReplaced undefined where the rule replaces nothing */
  #hit(rule: Rule, wasReplaced?: boolean): void {
    if (!this.#hits.includes(rule)) this.#hits.push(rule);
    if (rule.action === 'Block' || wasReplaced === false) this.#blockedBy = rule;
  }

  #fail(rule: Rule): void {
    this.#failures.push(rule);
    const passes = rule.look.by === 'service' && rule.look.passesOnError;
    if (passes || rule.action === 'Report') return;
    this.#blockedBy = rule;
    this.#hasFailed = true;
  }

  /** The texts as the rules before have left them. Each piece counts once. */
  #current(): string[] {
    return this.#passages
      .filter(({ groups }) => groups === undefined)
      .map(({ pieces }) => pieces.map((piece) => this.#pieces.get(piece)?.write(false) ?? '').join(''));
  }

  /** The texts of an answer by choice, without what is no answer, such as the arguments of tools. */
  #answers(): string[] {
    const answers = new Map<string | number, string>();
    for (const [{ path }, segment] of this.#pieces) {
      const choice = answerOf(path);
      if (choice !== undefined) answers.set(choice, (answers.get(choice) ?? '') + segment.write(false));
    }
    return [...answers.values()];
  }

  #isLongerThan(detector: Detector): boolean {
    const stream = detector.openStream();
    const found = this.#current().some((text) => stream.push(text).matches.length > 0);
    return found || stream.end().matches.length > 0;
  }

  #judgement(): Judgement {
    const edits = new Map<Path, string>();
    for (const [{ path }, segment] of this.#pieces) {
      if (segment.isEdited()) edits.set(path, segment.write(false) || emptied);
    }
    return {
      hits: this.#hits,
      blockedBy: this.#blockedBy,
      hasFailed: this.#hasFailed,
      failures: this.#failures,
      edits,
    };
  }
}

/** Lays the pieces of a passage one after the other. A piece of several passages is one segment in all of them. */
function lay({ pieces, groups }: Passage, known: Map<Piece, Segment>): Laid {
  const placed: Placed[] = [];
  let text = '';
  let view: JsonView | undefined;
  for (const piece of pieces) {
    if (piece.form === 'json') view ??= new JsonView();
    const segment = known.get(piece) ?? new Segment(view ? viewWhole(view, piece.text) : plainPiece(piece.text));
    known.set(piece, segment);
    const start = text.length;
    text += segment.piece.text;
    placed.push({ segment, start, end: text.length });
  }
  return { placed, text, view, isName: pieces[0]?.form === 'name', borders: groups && bordersOf(groups, placed) };
}

/** The positions between groups of pieces. */
function bordersOf(groups: readonly number[], placed: readonly Placed[]): number[] {
  const borders: number[] = [];
  let pieces = 0;
  for (const count of groups.slice(0, -1)) {
    pieces += count;
    borders.push(placed[pieces]?.start ?? 0);
  }
  return borders;
}

function reachesOver(borders: readonly number[], start: number, end: number): boolean {
  return borders.some((border) => start < border && border < end);
}

/** The choice that a text is the answer of. Undefined where it is no answer, such as a refusal or a tool's arguments. */
function answerOf(path: Path): string | number | undefined {
  const [root, index = 0, field, inner] = path;
  if (root === 'text') return 0;
  if (path.at(-1) === 'refusal') return undefined;
  if (root === 'choices') return field === 'text' || (field === 'message' && inner === 'content') ? index : undefined;
  if (root === 'output') return field === 'content' && path.at(-1) === 'text' ? 0 : undefined;
  return root === 'content' && field === 'text' ? 0 : undefined;
}
