import { ProxyError } from '../../error.ts';
import type { Body } from '../../providers/json.ts';
import type { Persona, RoutedKey, Snapshot, Surface } from '../../snapshot/snapshot.ts';
import type { Caller } from '../call.ts';

/**
 * Finds the persona by id, if the caller may use it. An unknown, an inactive and another user's persona get the same
 * answer, so that nobody can tell them apart.
 *
 * @throws {ProxyError} `persona_not_found`
 */
export function admitPersona(snapshot: Snapshot, caller: Caller, personaId: unknown): Persona {
  const persona = typeof personaId === 'string' ? snapshot.personas.get(personaId.toLowerCase()) : undefined;
  if (persona && mayUsePersona(persona, caller)) return persona;
  throw personaNotFound(personaId, 'persona_id');
}

/** What is no UUID is the id of no persona, but perhaps a name. @param param the field or path parameter that had it */
export function personaNotFound(personaId: unknown, param: string): ProxyError {
  if (typeof personaId === 'string' && isUuid.test(personaId)) return new ProxyError('persona_not_found', { param });
  const message = `${param} must be a persona's id, not its name; GET /v1/personas shows the ids`;
  return new ProxyError('persona_not_found', { param, message });
}

const isUuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether the persona is active and open to the caller's user. */
export function mayUsePersona(persona: Persona, caller: Caller): boolean {
  return persona.isActive && isOpenTo(persona, caller);
}

/** Whether the persona is for everyone, or for the caller's user. */
export function isOpenTo({ users }: Persona, { user }: Caller): boolean {
  return users.size === 0 || (user !== undefined && users.has(user));
}

/** @throws {ProxyError} `surface_not_allowed` */
export function admitSurface(snapshot: Snapshot, surface: Surface): void {
  if (snapshot.surfaces === undefined || snapshot.surfaces.has(surface)) return;
  throw new ProxyError('surface_not_allowed', {
    message: `The organization does not serve the API ${JSON.stringify(surface)}: its spec.surfaces does not name it`,
  });
}

/** @param alias the name that the caller used for it @throws {ProxyError} `model_not_allowed` */
export function admitModel(snapshot: Snapshot, model: string, alias?: string): void {
  if (snapshot.allowsModel(model)) return;
  const meant = alias === undefined ? '' : `, for which ${JSON.stringify(alias)} stands`;
  throw new ProxyError('model_not_allowed', {
    param: 'model',
    message: `The organization does not allow the model ${JSON.stringify(model.slice(0, 200))}${meant}; GET /v1/models lists those that it allows`,
  });
}

/**
 * Admits a call whose model the provider chooses. That model is unknown here, so no rule may restrict models.
 *
 * @throws {ProxyError} `model_not_allowed`
 */
export function admitAnyModel(snapshot: Snapshot, key: RoutedKey): void {
  if (snapshot.allowsModel(undefined) && key.servesModel(undefined)) return;
  const message = 'The organization does not allow every model, so the model must be named';
  throw new ProxyError('model_not_allowed', { param: 'model', message });
}

/**
 * Admits the further models of a form, such as `svg[model]`, which writes SVG. A text field `svg` could name any model.
 *
 * @param form its text fields
 * @throws {ProxyError} `model_not_allowed`
 */
export function admitFormModels(snapshot: Snapshot, form: Body): void {
  for (const name in form) {
    const [base = '', ...inner] = name.split(/[[\].]+/);
    if (base !== 'svg' && base !== 'models' && !inner.includes('model')) continue;
    for (const model of [form[name]].flat()) if (typeof model === 'string') admitModel(snapshot, model);
  }
}
