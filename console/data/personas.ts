/** As `/v1/personas` has it. */
export interface Persona {
  readonly id: string;
  readonly users: readonly string[];
  readonly name: string;
  readonly description: string | null;
  readonly content: string;
  readonly model: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly is_active: boolean;
  readonly managed_by: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** What a form says of a persona, as texts. */
export interface PersonaDraft {
  readonly name: string;
  readonly description: string;
  readonly content: string;
  readonly model: string;
  /** One a line. */
  readonly users: string;
  /** JSON. */
  readonly parameters: string;
  readonly isActive: boolean;
}

export const emptyDraft: PersonaDraft = {
  ...{ name: '', description: '', content: '', model: '', users: '', parameters: '', isActive: true },
};

export function draftOf(persona: Persona): PersonaDraft {
  const { name, description, content, model, users, parameters, is_active: isActive } = persona;
  return {
    ...{ name, description: description ?? '', content, model: model ?? '', users: users.join('\n'), isActive },
    parameters: Object.keys(parameters).length === 0 ? '' : JSON.stringify(parameters, null, 2),
  };
}

/** The body of a request. @throws where the parameters are no JSON object */
export function bodyOf(draft: PersonaDraft) {
  const { name, description, content, model, users, isActive } = draft;
  return {
    ...{ name: name.trim(), content, description: description.trim() || null, model: model.trim() || null },
    users: users
      .split('\n')
      .map((user) => user.trim())
      .filter((user) => user !== ''),
    ...{ parameters: readParameters(draft.parameters), is_active: isActive },
  };
}

function readParameters(text: string): Record<string, unknown> {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('The parameters are no JSON: write them like {"temperature": 0.3}');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error('The parameters must be an object: write them like {"temperature": 0.3}');
}

/** The names of the fields that differ. */
export function changedFields(before: PersonaDraft, after: PersonaDraft): (keyof PersonaDraft)[] {
  return (Object.keys(before) as (keyof PersonaDraft)[]).filter((name) => before[name] !== after[name]);
}
