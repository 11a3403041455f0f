import { createHmac } from 'node:crypto';
import type { Envelope } from '../database/envelope.ts';
import type { ArticleText } from './article.ts';
import type { Passage } from './passages.ts';

/** What the vector of a passage is made of: where it is, and what it says. */
export function passageText(
  { title, content }: Pick<ArticleText, 'title' | 'content'>,
  { startsAt, endsAt, headings }: Passage,
): string {
  return `${[title, ...headings].join(' > ')}\n\n${content.slice(startsAt, endsAt)}`;
}

/**
 * Makes the function that gives such texts their digests, by which a text that has a vector is known again. Nobody without
 * the organization's data keys can tell from a digest what was said.
 */
export function makeTextDigest(
  envelope: Pick<Envelope, 'lastingKey'>,
  organizationId: string,
): (text: string) => Buffer {
  const key = envelope.lastingKey(organizationId, 'knowledge_passages');
  return (text) => createHmac('sha256', key).update(text).digest().subarray(0, 16);
}
