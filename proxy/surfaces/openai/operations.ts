import { batches } from '../../operations/batches.ts';
import { chat } from '../../operations/chat.ts';
import { compact } from '../../operations/compact.ts';
import { completions } from '../../operations/completions.ts';
import { embeddings } from '../../operations/embeddings.ts';
import { imageOperations } from '../../operations/images.ts';
import { moderations } from '../../operations/moderations.ts';
import type { Operation } from '../../operations/operation.ts';
import { responses } from '../../operations/responses.ts';
import { speech } from '../../operations/speech.ts';
import { transcriptions, translations } from '../../operations/transcriptions.ts';

/** The calls of OpenAI's API that are governed; a new one needs a line here. */
export const operations: readonly Operation[] = [
  responses,
  compact,
  batches,
  chat,
  completions,
  embeddings,
  moderations,
  ...imageOperations,
  speech,
  transcriptions,
  translations,
];
