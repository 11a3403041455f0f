import type { ConversationStatus } from '../../clients/javascript/src/index.ts';
import type { Notice } from './notice.ts';

/** An article that an answer comes from. */
export interface Source {
  readonly title: string;
  /** Where the visitor can read it. Undefined: only its title is known. */
  readonly url: string | undefined;
}

/**
 * How far a message is. The visitor's own: `sending`, `unsent`, `given`. Answers: `writing` (perhaps with a part of the
 * text), `given`, `missing` (there is none). `withheld`: the organization did not let it pass.
 */
export type Phase = 'sending' | 'unsent' | 'writing' | 'given' | 'missing' | 'withheld';

export interface Message {
  readonly key: string;
  readonly sender: 'user' | 'ai' | 'agent';
  readonly text: string;
  readonly phase: Phase;
  readonly sources: readonly Source[];
}

/** What the visitor sees of a conversation. */
export interface ChatState {
  readonly messages: readonly Message[];
  readonly status: ConversationStatus;
  /** Whether the conversation, which began on an earlier page, is on its way. */
  readonly isLoading: boolean;
  /** Whether a request is repeated. */
  readonly isSlow: boolean;
  readonly notice: Notice | undefined;
  /** Messages of the team that the visitor has not seen. */
  readonly unread: number;
  /** Of the conversation, from 1 to 5. */
  readonly rating: number | undefined;
  readonly hasCommented: boolean;
}

export const empty: ChatState = {
  messages: [],
  status: 'active',
  isLoading: false,
  isSlow: false,
  notice: undefined,
  unread: 0,
  rating: undefined,
  hasCommented: false,
};

/** Keeps the state, and tells of each change. */
export interface Store {
  get(): ChatState;
  change(fields: Partial<ChatState>): void;
  /** Changes one message. Without it, nothing happens. */
  changeMessage(key: string, fields: Partial<Message>): void;
  add(message: Message): void;
}

export function makeStore(onChange: (now: ChatState, before: ChatState) => void): Store {
  let state = empty;
  const change = (fields: Partial<ChatState>) => {
    const before = state;
    state = { ...state, ...fields };
    onChange(state, before);
  };
  return {
    get: () => state,
    change,
    changeMessage: (key, fields) =>
      change({ messages: state.messages.map((one) => (one.key === key ? { ...one, ...fields } : one)) }),
    add: (message) => change({ messages: [...state.messages.filter(({ key }) => key !== message.key), message] }),
  };
}

/** Whether the machine is at work. */
export const isWriting = ({ messages }: ChatState) => messages.some(({ phase }) => phase === 'writing');

/** How many messages the team has written. */
export const countOfTeam = ({ messages }: ChatState) => messages.filter(({ sender }) => sender === 'agent').length;

/** Whether a message has not arrived yet. */
export const isOutgoing = ({ phase }: Message) => phase === 'sending' || phase === 'unsent';
