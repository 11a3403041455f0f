import { sayNotice } from './chat/notice.ts';
import { type ChatState, isWriting, type Message } from './chat/state.ts';
import { plainText } from './markdown/plain-text.ts';
import type { Speech } from './texts/table.ts';

/**
 * What a screen reader says of a change. An answer is told as a whole, not while it grows.
 *
 * @returns undefined: nothing
 */
export function announcementOf(
  now: ChatState,
  before: ChatState,
  { texts, language }: Speech,
  nowMs: number,
): string | undefined {
  const said = now.messages.filter((message) => isNews(message, before)).map((message) => sayMessage(message, texts));
  if (now.status !== before.status) {
    if (now.status === 'escalated') said.push(texts.handedOver);
    if (now.status === 'resolved') said.push(texts.resolved);
    if (before.status === 'escalated' && now.status === 'active') said.push(texts.givenBack);
  }
  if (now.notice?.kind === 'tooMany' && before.notice?.kind !== 'tooMany') {
    said.push(sayNotice(now.notice, texts, language, nowMs));
  }
  if (isWriting(now) && !isWriting(before)) said.push(texts.writing);
  if (now.isSlow && !before.isSlow) said.push(texts.slow);
  if (now.rating !== undefined && before.rating === undefined && before.messages.length > 0) said.push(texts.rated);
  return said.length > 0 ? said.join(' ') : undefined;
}

/** An answer that is whole now, or what somebody of the team has written. What was said on an earlier page is no news. */
function isNews({ key, sender, phase }: Message, { messages }: ChatState): boolean {
  if (sender === 'user') return false;
  const earlier = messages.find((one) => one.key === key);
  if (earlier) return earlier.phase === 'writing' && phase !== 'writing';
  return sender === 'agent' && messages.length > 0;
}

function sayMessage({ sender, text, phase }: Message, texts: Speech['texts']): string {
  if (phase !== 'given') return texts.missing;
  return `${sender === 'agent' ? texts.agent : texts.assistant}: ${plainText(text)}`;
}
