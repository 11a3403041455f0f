import { randomUUID } from 'node:crypto';
import { findInvalidParameter, findReservedParameter } from '../../crds/persona-parameters.ts';
import { diffFields, digestOf } from '../../database/audit/diff.ts';
import { insertPersona, retirePersona as retireRow, updatePersona } from '../../database/personas.ts';
import { findUnstorable, toStorable } from '../../database/storable.ts';
import { isOpenTo, mayUsePersona, personaNotFound } from '../calls/admit/admit.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import type { Persona } from '../snapshot/snapshot.ts';
import type { GovernanceContext } from './context.ts';
import { type Retired, writeNamed } from './named.ts';
import { type Listed, type Page, pageOf } from './page.ts';
import { type RecordedChange, recorded } from './recorded.ts';
import { admitRole, seesOrganization } from './roles.ts';
import { readUserId } from './user-id.ts';

type Reading = Pick<GovernanceContext, 'inForce'>;
type Writing = Pick<GovernanceContext, 'inForce' | 'store' | 'catchUp'>;

/** A persona as callers write it. In a change, an absent field stays as it is; in a new persona, it has its default. */
export interface PersonaFields {
  readonly name?: string | undefined;
  readonly content?: string | undefined;
  readonly description?: string | null | undefined;
  /** The one user that it is restricted to; null: none. Not beside other `users`. */
  readonly user?: string | null | undefined;
  /** The users that it is restricted to; empty: none. */
  readonly users?: readonly string[] | undefined;
  readonly model?: string | null | undefined;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  readonly isActive?: boolean | undefined;
}

export interface NewPersona extends PersonaFields {
  readonly name: string;
  readonly content: string;
}

/**
 * Lists personas by name.
 *
 * @param filter.isActive those in use, or those that are not
 * @param filter.allUsers also those of other users, for who sees the organization
 * @throws {ProxyError} `role_required` for `allUsers`
 */
export function listPersonas(
  { inForce }: Reading,
  caller: Caller,
  filter: Page & { readonly isActive: boolean; readonly allUsers: boolean },
): Listed<Persona> {
  const { snapshot } = inForce();
  if (filter.allUsers) admitRole(caller, 'analyst', 'reviewer');
  const personas = [...snapshot.personas.values()]
    .filter((persona) => filter.allUsers || isOpenTo(persona, caller))
    .filter(({ isActive }) => isActive === filter.isActive)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return pageOf(personas, filter);
}

/**
 * Gets a persona that the caller may use. Who sees the organization gets any.
 *
 * @throws {ProxyError} `persona_not_found`, the same for one that does not exist and one that is another user's
 */
export function getPersona({ inForce }: Reading, caller: Caller, id: string): Persona {
  const persona = inForce().snapshot.personas.get(id.toLowerCase());
  if (persona && (mayUsePersona(persona, caller) || seesOrganization(caller))) return persona;
  throw personaNotFound(id, 'id');
}

/**
 * Creates a persona, for an admin. Resolves when it is in force here.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `name_taken`, `store_unavailable`
 */
export async function createPersona(context: Writing, caller: Caller, fields: NewPersona): Promise<Persona> {
  admitRole(caller, 'admin');
  const { snapshot, envelope } = context.inForce();
  const { organizationId } = snapshot;
  const { name, content, description, model, isActive } = fields;
  const personaId = randomUUID();
  const place = { organizationId, column: 'personas.content', rowId: personaId };
  const persona = {
    organizationId,
    personaId,
    name: toStorable(name),
    description: description == null ? null : toStorable(description),
    contentSealed: envelope.seal(place, content),
    users: readUsers(fields) ?? [],
    model: model == null ? null : toStorable(model),
    parameters: readParameters(fields.parameters) ?? {},
    isActive: isActive ?? true,
  };
  const created = { action: 'created', subject: `Persona/${personaId}` } as const;
  const changes = diffFields('persona', undefined, describe({ ...persona, content }));
  await write(name, () =>
    recorded(
      context,
      caller,
      (db) => insertPersona(db, persona),
      () => ({ ...created, changes }),
    ),
  );
  await context.catchUp();
  return require(context, personaId);
}

/**
 * Changes a persona that the API made, for an admin. Resolves when the change is in force here.
 *
 * @throws {ProxyError} as `createPersona`, and `persona_not_found`, `owned_by_resource`
 */
export async function changePersona(
  context: Writing,
  caller: Caller,
  id: string,
  changes: PersonaFields,
): Promise<Persona> {
  admitRole(caller, 'admin');
  const { snapshot, envelope } = context.inForce();
  const { organizationId } = snapshot;
  const persona = requireOwn(getPersona(context, caller, id));
  const { name, content, description, model } = changes;
  const place = { organizationId, column: 'personas.content', rowId: persona.id };
  const columns = {
    name: name === undefined ? undefined : toStorable(name),
    description: description == null ? description : toStorable(description),
    contentSealed: content === undefined ? undefined : envelope.seal(place, content),
    users: readUsers(changes),
    model: model == null ? model : toStorable(model),
    parameters: readParameters(changes.parameters),
    isActive: changes.isActive,
  };
  const isThere = await write(name ?? persona.name, () =>
    recorded(
      context,
      caller,
      (db) => updatePersona(db, organizationId, persona.id, columns),
      (found) => (found ? describeChange(persona, columns, content) : undefined),
    ),
  );
  await context.catchUp();
  if (!isThere) throw new ProxyError('persona_not_found', { param: 'id' });
  return require(context, persona.id);
}

/**
 * Deletes a persona that the API made, for an admin; one that calls were made with is deactivated instead. Resolves when
 * that is in force here.
 *
 * @throws {ProxyError} `role_required`, `persona_not_found`, `owned_by_resource`, `store_unavailable`
 */
export async function retirePersona(
  context: Writing & Pick<GovernanceContext, 'shipped'>,
  caller: Caller,
  id: string,
): Promise<Retired> {
  admitRole(caller, 'admin');
  const { organizationId } = context.inForce().snapshot;
  const persona = requireOwn(getPersona(context, caller, id));
  // A call that was just made with it is one, too.
  await context.shipped();
  const outcome = await recorded(
    context,
    caller,
    (db) => retireRow(db, organizationId, persona.id),
    (done) => done && { action: done, subject: `Persona/${persona.id}`, changes: [] },
  );
  await context.catchUp();
  if (!outcome) throw new ProxyError('persona_not_found', { param: 'id' });
  return { id: persona.id, outcome };
}

/** What the audit log has of a persona: of its text the digest, and users by their pseudonyms. */
function describe({ name, description, content, users, model, parameters, isActive }: DescribedPersona): object {
  return {
    ...{ name, description, content: digestOf(content), users: [...users].map((user) => ({ $user: user })) },
    ...{ model: model ?? null, parameters, is_active: isActive },
  };
}

interface DescribedPersona {
  readonly name: string;
  readonly description: string | null;
  readonly content: string;
  readonly users: Iterable<string>;
  readonly model: string | null | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly isActive: boolean;
}

function describeChange(
  before: Persona,
  columns: { readonly [K in Exclude<keyof DescribedPersona, 'content'>]: DescribedPersona[K] | undefined },
  content: string | undefined,
): RecordedChange | undefined {
  const { name, description, users, model, parameters, isActive } = columns;
  const after: DescribedPersona = {
    name: name ?? before.name,
    description: description === undefined ? before.description : description,
    content: content ?? before.content,
    users: users ?? before.users,
    model: model === undefined ? before.model : model,
    parameters: parameters ?? before.parameters,
    isActive: isActive ?? before.isActive,
  };
  const changes = diffFields('persona', describe(before), describe(after));
  return changes.length === 0 ? undefined : { action: 'changed', subject: `Persona/${before.id}`, changes };
}

function write<T>(name: string, work: () => Promise<T>): Promise<T> {
  return writeNamed('personas_name', 'A persona', name, work);
}

/** @throws {ProxyError} `persona_not_found` */
function require({ inForce }: Reading, id: string): Persona {
  const persona = inForce().snapshot.personas.get(id);
  if (!persona) throw new ProxyError('persona_not_found', { param: 'id' });
  return persona;
}

/** @throws {ProxyError} `owned_by_resource` */
function requireOwn(persona: Persona): Persona {
  if (persona.resource === null) return persona;
  const message = `The persona is owned by the Kubernetes resource Persona ${persona.resource}; change it there`;
  throw new ProxyError('owned_by_resource', { param: 'id', message });
}

/** @throws {ProxyError} `invalid_request` for an invalid id, and where `user` and `users` differ */
function readUsers({ user, users }: PersonaFields): readonly string[] | undefined {
  if (user === undefined) return users?.map((one, index) => readUserId(`users[${index}]`, one));
  const named = user === null ? [] : [readUserId('user_id', user)];
  if (users === undefined || (users.length === named.length && users[0] === named[0])) return named;
  throw new ProxyError('invalid_request', {
    param: 'users',
    message: 'users must not be given beside another user_id',
  });
}

/** @throws {ProxyError} `invalid_request` */
function readParameters(parameters: PersonaFields['parameters']): Record<string, unknown> | undefined {
  if (!parameters) return undefined;
  const unstorable = findUnstorable(parameters);
  // The place of what is nested too deep is as long as it is deep.
  if (unstorable) throw invalid(`parameters${unstorable.place}`.slice(0, 200), unstorable.reason);
  const refused = findReservedParameter(parameters) ?? findInvalidParameter(parameters);
  if (refused) throw invalid(`parameters.${refused.name}`.slice(0, 200), refused.reason);
  return { ...parameters };
}

function invalid(param: string, reason: string): ProxyError {
  return new ProxyError('invalid_request', { param, message: `${param} ${reason}` });
}
