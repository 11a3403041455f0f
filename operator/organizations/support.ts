import type { Organization, OrganizationSpec, Persona } from '../../crds/resources.generated.ts';
import { type IsListed, whyNoModel } from '../known-models.ts';
import type { Verdict } from '../runtime/conditions.ts';

const type = 'SupportEffective';

/** The Personas of an organization. */
type Voices = readonly Pick<Persona, 'metadata' | 'spec'>[];

/**
 * The condition about the support desk. Nothing else depends on it. Undefined for an organization that never said anything
 * about it.
 *
 * @param isListed whether the vendors have a model
 * @param hadAny whether the status has the condition
 */
export function judgeSupport(
  { metadata, spec }: Pick<Organization, 'metadata' | 'spec'>,
  personas: Voices,
  isListed: IsListed,
  hadAny: boolean,
): Verdict | undefined {
  if (!spec.support && !hadAny) return undefined;
  if (!spec.support) {
    return { type, status: true, reason: 'Effective', message: 'The support desk answers with its defaults.' };
  }
  const idle = whyNoAnswers(spec, isListed);
  if (idle !== undefined) {
    return {
      type: 'SupportEffective',
      status: false,
      reason: 'SupportCannotAnswer',
      message: `The support desk cannot answer: ${idle}.`,
    };
  }
  const { persona } = spec.support;
  const voice = personas.find(({ metadata: { namespace, name } }) => `${namespace}/${name}` === persona);
  const isUsable = voice?.spec.organizationRef.name === metadata.name && voice.spec.active !== false;
  if (persona !== undefined && !isUsable) {
    const message = `No active Persona ${persona} belongs to this Organization, so the support desk answers without a voice. Create it, or correct spec.support.persona.`;
    return { type: 'SupportEffective', status: false, reason: 'SupportPersonaMissing', message };
  }
  return { type, status: true, reason: 'Effective', message: 'The support desk can do all that it is told.' };
}

function whyNoAnswers(spec: OrganizationSpec, isListed: IsListed): string | undefined {
  if (spec.storage?.contents === 'None') {
    return 'conversations need what was said in them; set spec.storage.contents to Full';
  }
  if (spec.surfaces && !spec.surfaces.includes('chat')) return 'it asks by chat completions; add chat to spec.surfaces';
  const { model = 'gpt-4o-mini' } = spec.support ?? {};
  // Aliases have a condition of their own.
  if (spec.models?.aliases?.some(({ name }) => name === model)) return undefined;
  const why = whyNoModel(model, spec, isListed);
  return why === undefined ? undefined : `of its model ${model}, ${why}; correct spec.support.model`;
}
