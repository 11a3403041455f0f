import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { GovernanceContext } from '../../governance/context.ts';
import { type AnalysisEvent, isLast, makeFollowAnalysis } from '../../governance/conversation-analyses/follow.ts';
import { toProxyError } from '../../http/envelope.ts';
import { setEventHeaders } from '../../http/event-stream.ts';
import type { Route } from '../../http/route.ts';
import { BranchId, ConversationId, showAnalysis } from './schemas.ts';

const aliveMs = 15_000;
/** How soon a reader whose credential has expired or was revoked is told to go. */
const standingMs = 2_000;

const description = [
  'Server-sent events about the latest analysis, from the beginning of its text, whenever a reader comes:',
  '`status` (`id`, `status`), `text` (`text`, what is added), `restart` where the text is written anew,',
  'and in the end `completed` or `failed` with the analysis, `gone` where it was erased, or `error` (`code`, `message`)',
  'where the reader’s credential holds no longer.',
].join(' ');

/** The text of an analysis while it is written. */
export const streamRoute: Route<GovernanceContext> = (app, context) => {
  const follow = makeFollowAnalysis(context);
  app.route({
    method: 'GET',
    url: '/analyses/:conversationId/:branchId/stream',
    schema: {
      tags: ['Conversation analyses'],
      summary: 'Read an analysis while it is written',
      description,
      params: Type.Object({ conversationId: ConversationId, branchId: BranchId }),
      problems: ['analysis_not_found', 'store_unavailable'],
      answers: { 200: { description: 'The events.', content: { 'text/event-stream': {} } } },
    },
    async handler({ caller, params, findCaller }, reply) {
      const stream = new Readable({ read() {} });
      const alive = setInterval(() => stream.push(':\n\n'), aliveMs);
      const standing = setInterval(() => {
        findCaller().catch((error: unknown) => {
          const { code, message } = toProxyError(error);
          endWith(`event: error\ndata: ${JSON.stringify({ code, message })}\n\n`);
        });
      }, standingMs).unref();
      let isOver = false;
      const endWith = (event: string) => {
        if (isOver || stream.destroyed) return;
        isOver = true;
        clearInterval(alive);
        clearInterval(standing);
        stream.push(event);
        stream.push(null);
      };
      stream.once('close', () => {
        clearInterval(alive);
        clearInterval(standing);
      });
      try {
        const stop = await follow(caller, params, (event) => {
          if (isLast(event)) endWith(showEvent(event));
          else if (!isOver) stream.push(showEvent(event));
        });
        stream.once('close', stop);
      } catch (error) {
        stream.destroy();
        throw error;
      }
      setEventHeaders(reply);
      return stream;
    },
  });
};

function showEvent(event: AnalysisEvent): string {
  const { type, ...facts } = event;
  const data = 'analysis' in event ? showAnalysis(event.analysis) : facts;
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
