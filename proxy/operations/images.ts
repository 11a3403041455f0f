import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/images/generations`, `/edits` and `/variations`. */
export const imageOperations: readonly Operation[] = [
  { ...imageOperation('image_generations', '/images/generations'), required: ['prompt'] },
  { ...imageOperation('image_edits', '/images/edits'), takesForm: true },
  { ...imageOperation('image_variations', '/images/variations'), takesForm: true },
];

function imageOperation(name: Operation['name'], path: string): Operation {
  return { ...plain, name, surface: 'images', path, modelIsOptional: true };
}
