import type { Client } from 'pg';
import type { Answer, Desk } from './desk-stack.ts';

export const question = 'How do I reset my password?';

/** The desk that all tests of a suite share. */
export interface DeskStage {
  readonly desk: Desk;
  readonly database: Client;
  /** A conversation, as its customer sees it. */
  show(id: string): Promise<Answer['body']>;
  /** The events of a conversation, in their order. */
  eventsOf(id: string): Promise<{ type: string; data: Record<string, unknown> }[]>;
}

export function makeDeskStage(desk: Desk, database: Client): DeskStage {
  return {
    desk,
    database,
    show: async (id) => (await desk.ask('GET', `/conversations/${id}`)).body,
    async eventsOf(id) {
      const { rows } = await database.query<{ type: string; data: Record<string, unknown> }>(
        `select type, data from chaperone.webhook_events where subject = $1
         order by occurred_at, type <> 'conversation.created', type <> 'message.received'`,
        [`conversation/${id}`],
      );
      return rows;
    },
  };
}
