import { randomHex } from '../../../database/ids.ts';
import { asObject, type Body } from '../../providers/json.ts';

/** Items that have come since the last response, for its record. */
const maxRemembered = 200;
/** Turns that have ended, and whose speech may still be transcribed. */
const maxEnded = 16;

/** What has been said since the last response. It is the input of the next one, and what is transcribed is in its turn. */
export class Turn {
  #id = makeTurnId();
  #said: Body[] = [];
  readonly #ended = new Map<string, Body[]>();

  id(): string {
    return this.#id;
  }

  /**
   * Remembers an item, without its sound.
   *
   * @param turnId the turn in which it was said; its record may be written later. Absent: this one
   */
  remember(item: Body, turnId = this.#id): void {
    const said = turnId === this.#id ? this.#said : this.#ended.get(turnId);
    said?.push(withoutSound(item));
    if (said && said.length > maxRemembered) said.shift();
  }

  /** A response answers it: another turn begins. */
  end(): { readonly turnId: string; readonly said: readonly Body[] } {
    const ended = { turnId: this.#id, said: this.#said };
    this.#ended.set(ended.turnId, ended.said);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > maxEnded && oldest !== undefined) this.#ended.delete(oldest);
    this.#id = makeTurnId();
    this.#said = [];
    return ended;
  }
}

/** The items of an input, without their sound. */
export function itemsOf(input: unknown): Body[] {
  if (!Array.isArray(input)) return [];
  return input.flatMap((item) => {
    const one = asObject(item);
    return one ? [withoutSound(one)] : [];
  });
}

function withoutSound(item: Body): Body {
  const { content } = item;
  if (!Array.isArray(content)) return item;
  return {
    ...item,
    content: content.map((part) => {
      const { audio: _, image_url: __, ...rest } = asObject(part) ?? {};
      return rest;
    }),
  };
}

function makeTurnId(): string {
  return `turn_${randomHex(12)}`;
}
