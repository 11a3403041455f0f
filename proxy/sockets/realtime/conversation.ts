import { randomHex } from '../../../database/ids.ts';
import type { Identified } from '../../calls/context.ts';
import type { Link, Linked, Place } from '../../conversations/links.ts';
import { realtime } from '../../operations/realtime.ts';
import type { Body } from '../../providers/json.ts';

/** The conversation of a session. Its responses are one after another, since the provider keeps it for the session. */
export class SessionConversation {
  readonly #link: Link;
  /** Known to nobody else, so no other session can be a part of it. */
  readonly #id = `realtime_${randomHex(16)}`;
  #last: Place | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** The place of the next response. @param input what was said since the last one, as far as it is known */
  next({ caller, inForce }: Identified, input: readonly Body[]): Linked | undefined {
    const follows = this.#last ? { previous_response_id: this.#id } : { conversation: this.#id };
    const linked = this.#link(
      {
        operation: realtime.name,
        body: { ...follows, input },
        userId: caller.userId,
        session: undefined,
        previous: this.#last,
      },
      inForce.envelope,
    );
    this.#last = linked?.place;
    return linked;
  }
}
