import type { JsonObject } from '../json.ts';
import type { Lookup } from '../lookup.ts';
import { findModel, modelObject, models } from '../models.ts';

export function listModels(): JsonObject {
  return { object: 'list', data: [...models.values()].map(modelObject) };
}

export function readModel({ id }: Lookup): JsonObject {
  return modelObject(findModel(id));
}
