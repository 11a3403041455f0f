import { asObject } from '../providers/json.ts';
import type { Operation } from './operation.ts';

/** `POST /v1/responses`. */
export const responses: Operation = {
  name: 'responses',
  surface: 'responses',
  path: '/responses',
  required: [],
  applyPersona: (body, persona) => ({
    ...(persona.model === undefined ? {} : { model: persona.model }),
    ...persona.parameters,
    ...body,
    instructions: persona.content,
  }),
  effects(body) {
    const tools = Array.isArray(body.tools) ? body.tools : [];
    // A connector or an MCP server is somebody's, and calls of its tools may do anything.
    const callsServers = tools.some((tool) => asObject(tool)?.type === 'mcp');
    if (body.background === true || body.conversation != null || callsServers) return 'acts';
    // What is not stored must be said; OpenAI stores all others.
    return body.store === false ? 'none' : 'stores';
  },
  runsInBackground: (body) => body.background === true,
  keepsAnswer: (body) => body.store !== false,
};

/** `POST /v1/responses/input_tokens`: the same body, without what is about an answer. */
export const countedResponses: Operation = { ...responses, path: '/responses/input_tokens', onlyCounts: true };
