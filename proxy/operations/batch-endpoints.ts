import { chat } from './chat.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import { moderations } from './moderations.ts';
import type { Operation } from './operation.ts';
import { responses } from './responses.ts';

/** The operation of a batch's lines, by the batch's `endpoint`. */
export const batchEndpoints: ReadonlyMap<unknown, Operation> = new Map(
  [responses, chat, completions, embeddings, moderations].map((operation) => [`/v1${operation.path}`, operation]),
);
