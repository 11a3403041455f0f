import { deletePersona, findPersonas, type PersonaWrite, upsertPersonas } from '../../database/personas.ts';
import { keyOf } from '../cluster/object-key.ts';
import { tellUnknownModels } from '../known-models.ts';
import { isNameTaken, notReady, type TenantKindOf } from '../tenant-kind.ts';
import { decidePersona } from './decide.ts';
import { gatherPersona } from './gather.ts';

/** Persona: instructions in force for an organization's calls. */
export const personaKind: TenantKindOf<'Persona', PersonaWrite> = {
  kind: 'Persona',
  find: findPersonas,
  upsert: upsertPersonas,
  async reconcile(context, object, stored, write) {
    const decision = decidePersona(gatherPersona(context, object, stored), object);
    const { tenancy, envelope } = object;
    const { model } = object.resource.spec;
    const models = model === undefined ? [] : [model];
    const verdict = await tellUnknownModels(decision.verdict, 'spec.model', models, tenancy.organization.spec);
    const { organizationId } = tenancy;
    const status = {
      id: object.rowId,
      ...(decision.contentHash !== undefined && { contentHash: decision.contentHash }),
    };
    if (!decision.write) return { verdict, status, isChanged: false };
    const { content, ...row } = decision.write;
    const place = { organizationId, column: 'personas.content', rowId: object.rowId };
    try {
      await write({ ...row, contentSealed: envelope.seal(place, content) });
    } catch (error) {
      if (!isNameTaken(error, 'personas_name')) throw error;
      const message = `Another persona that serves the same pods has the name "${row.name}"; choose another spec.name.`;
      return {
        verdict: notReady('NameTaken', message),
        status: { id: object.rowId },
        requeueAfterMs: 60_000,
        isChanged: false,
      };
    }
    if (decision.edit !== undefined) {
      await context.cluster.recordEvent(keyOf(object.resource), {
        type: 'Normal',
        reason: 'Updated',
        message: decision.edit,
      });
    }
    return { verdict, status, isChanged: true };
  },
  remove: ({ db }, organizationId, rowId) => deletePersona(db, organizationId, rowId),
};
