import type { Conversation, Message as GivenMessage } from '../../clients/javascript/src/index.ts';
import { type ChatState, isOutgoing, type Message, type Phase, type Source } from './state.ts';

const phases: Readonly<Record<string, Phase>> = {
  pending: 'writing',
  completed: 'given',
  failed: 'missing',
  interrupted: 'missing',
  withheld: 'withheld',
};

/** The state after the server has told the whole conversation. What has not arrived there yet stays at the end. */
export function withHistory(state: ChatState, conversation: Conversation): ChatState {
  const told = conversation.messages.filter(isShown).map(toMessage);
  return {
    ...state,
    messages: [...told, ...state.messages.filter(isOutgoing)],
    status: conversation.status,
    isLoading: false,
    rating: conversation.rating ?? undefined,
  };
}

/** An answer that was withheld since somebody of the team took over is nothing that the visitor misses. */
function isShown({ sender, status }: GivenMessage): boolean {
  return !(sender === 'ai' && status === 'withheld');
}

function toMessage({ id, sender, content, status, sourceArticles = [] }: GivenMessage): Message {
  return { key: id, sender, text: content, phase: phases[status] ?? 'given', sources: sourceArticles.map(toSource) };
}

export function toSource({ title, url }: { readonly title: string; readonly url: string | null }): Source {
  return { title, url: url ?? undefined };
}
