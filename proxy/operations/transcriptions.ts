import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/audio/transcriptions` and `/v1/audio/translations`. */
export const transcriptions = listening('transcriptions', '/audio/transcriptions');
export const translations = listening('translations', '/audio/translations');

function listening(name: Operation['name'], path: string): Operation {
  return { ...plain, name, surface: 'audio', path, takesForm: true, mayReplayForm: true };
}
