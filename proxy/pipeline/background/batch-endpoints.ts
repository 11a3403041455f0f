import { chat } from '../operations/chat.ts';
import { completions } from '../operations/completions.ts';
import { embeddings } from '../operations/embeddings.ts';
import { moderations } from '../operations/moderations.ts';
import type { Operation } from '../operations/operation.ts';
import { responses } from '../operations/responses.ts';

/** What the lines of a batch may call, by the `endpoint` of the batch. */
export const batchEndpoints: ReadonlyMap<unknown, Operation> = new Map(
  [responses, chat, completions, embeddings, moderations].map((operation) => [`/v1${operation.path}`, operation]),
);
