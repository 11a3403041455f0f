import type { FastifySchema } from 'fastify';
import type { ProblemCode } from '../../../error.ts';

const reference = 'https://platform.openai.com/docs/api-reference';

/** What can be asked for what a provider keeps, by its route below the surface. */
const summaries: Readonly<Record<string, string>> = {
  'GET /responses/:id': 'Get a response',
  'DELETE /responses/:id': 'Delete a response',
  'POST /responses/:id/cancel': 'Cancel a response that is made in the background',
  'GET /responses/:id/input_items': 'List what a response was made from',
  'POST /responses/input_tokens': 'Count the tokens of an input',
  'POST /conversations': 'Create a conversation',
  'GET /conversations/:id': 'Get a conversation',
  'POST /conversations/:id': 'Change a conversation',
  'DELETE /conversations/:id': 'Delete a conversation',
  'GET /conversations/:id/items': 'List the items of a conversation',
  'POST /conversations/:id/items': 'Add items to a conversation',
  'GET /conversations/:id/items/:item': 'Get an item of a conversation',
  'DELETE /conversations/:id/items/:item': 'Delete an item of a conversation',
  'POST /files': 'Upload a file',
  'GET /files': 'List files',
  'GET /files/:id': 'Get a file',
  'GET /files/:id/content': 'Get a file’s content',
  'DELETE /files/:id': 'Delete a file',
  'GET /batches': 'List batches',
  'GET /batches/:id': 'Get a batch',
  'POST /batches/:id/cancel': 'Cancel a batch',
  'POST /vector_stores': 'Create a vector store',
  'GET /vector_stores': 'List vector stores',
  'GET /vector_stores/:id': 'Get a vector store',
  'POST /vector_stores/:id': 'Change a vector store',
  'DELETE /vector_stores/:id': 'Delete a vector store',
  'POST /vector_stores/:id/search': 'Search a vector store',
  'GET /vector_stores/:id/files': 'List the files of a vector store',
  'POST /vector_stores/:id/files': 'Add a file to a vector store',
  'GET /vector_stores/:id/files/:file': 'Get a file of a vector store',
  'POST /vector_stores/:id/files/:file': 'Change a file of a vector store',
  'DELETE /vector_stores/:id/files/:file': 'Take a file out of a vector store',
  'GET /vector_stores/:id/files/:file/content': 'Get the content of a file of a vector store',
  'POST /vector_stores/:id/file_batches': 'Add files to a vector store',
  'GET /vector_stores/:id/file_batches/:batch': 'Get a batch of files of a vector store',
  'POST /vector_stores/:id/file_batches/:batch/cancel': 'Cancel a batch of files of a vector store',
  'GET /vector_stores/:id/file_batches/:batch/files': 'List a batch of files of a vector store',
};

/** What the answer is, where it is not JSON alone. */
const answers: Readonly<Record<string, readonly string[]>> = {
  'GET /responses/:id': ['application/json', 'text/event-stream'],
  'GET /files/:id/content': ['*/*'],
};

/** Lists of what is the caller's own, put together here from what the providers list. */
const lists = ['GET /files', 'GET /batches', 'GET /vector_stores'];

const common: readonly ProblemCode[] = [
  'surface_not_allowed',
  'no_api_key',
  // What is somebody else's, whether the path, the query or the body names it.
  'resource_not_found',
  'store_unavailable',
  'overloaded',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_interrupted',
  'upstream_invalid_response',
];

/** What is made or gone is noted before the caller has the answer. */
const ofNotes: readonly ProblemCode[] = ['spool_full', 'spool_unwritable'];

/** It is judged like the call that it asks about. */
const ofInputTokens: readonly ProblemCode[] = [
  'model_not_allowed',
  'tool_not_allowed',
  'persona_not_found',
  'previous_response_not_found',
  'limit_reached',
];

/** The schema of a route. It checks nothing, since bodies are the provider's to judge. */
export function describeStored(method: string, path: string): FastifySchema {
  const name = `${method} ${path}`;
  const summary = summaries[name] ?? name;
  const [, resource = ''] = path.split('/');
  const page = `${reference}/${resource.replace('_', '-')}`;
  const types = answers[name] ?? ['application/json'];
  const isList = lists.includes(name);
  return {
    tags: ['Stored'],
    summary,
    description:
      'Goes to the provider with the key that its subject was made with. What somebody else made is not found. ' +
      `The body and the answer are the provider’s: see [its reference](${page}).`,
    problems: [
      ...common,
      ...(method === 'POST' || method === 'DELETE' ? ofNotes : []),
      ...(path === '/responses/input_tokens' ? ofInputTokens : []),
    ],
    answers: {
      200: {
        description: isList ? 'The caller’s own.' : 'What the provider answers.',
        content: Object.fromEntries(types.map((type) => [type, {}])),
      },
    },
    origin: isList ? 'merged' : 'relayed',
  };
}
