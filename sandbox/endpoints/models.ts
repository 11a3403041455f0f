import { listClaudeModels, readClaudeModel } from '../claude-models.ts';
import { anthropicDialect } from '../dialect.ts';
import type { JsonObject } from '../json.ts';
import type { Lookup } from '../lookup.ts';
import { findModel, modelObject, models } from '../models.ts';

export function listModels({ dialect }: Lookup): JsonObject {
  if (dialect === anthropicDialect) return listClaudeModels();
  return { object: 'list', data: [...models.values()].map(modelObject) };
}

export function readModel({ id, dialect }: Lookup): JsonObject {
  return dialect === anthropicDialect ? readClaudeModel(id) : modelObject(findModel(id));
}
