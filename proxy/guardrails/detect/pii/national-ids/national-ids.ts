import type { Recognizer } from '../../recognizer.ts';
import { elsewhere } from './elsewhere.ts';
import { european } from './europe.ts';
import { toRecognizer } from './national-id.ts';

export const nationalIds: readonly Recognizer[] = [...european, ...elsewhere].map(toRecognizer);
