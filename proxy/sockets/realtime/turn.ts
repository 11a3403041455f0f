import { randomHex } from '../../../database/ids.ts';
import { asObject, type Body } from '../../providers/json.ts';

/** Items that have come since the last response, for its record. */
const maxRemembered = 200;

/** What has been said since the last response. It is the input of the next one, and what is transcribed is in its turn. */
export class Turn {
  #id = makeTurnId();
  #said: Body[] = [];

  id(): string {
    return this.#id;
  }

  /** Remembers an item, without its sound. */
  remember(item: Body): void {
    this.#said.push(withoutSound(item));
    if (this.#said.length > maxRemembered) this.#said.shift();
  }

  /** A response answers it: another turn begins. */
  end(): { readonly turnId: string; readonly said: readonly Body[] } {
    const ended = { turnId: this.#id, said: this.#said };
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
