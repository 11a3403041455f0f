import {
  governingFields,
  identifiedFields,
  itemContents,
  itemFields,
  itemLists,
  namedByCaller,
  namingFields,
  opaqueFields,
  type ReferredKind,
  referringFields,
  toolInputs,
} from './call-fields.ts';

/** Something kept at the provider that a body names. */
export interface Reference {
  readonly kind: ReferredKind;
  readonly id: string;
  /** The field, for errors. */
  readonly param: string;
}

/** A field that another parser may take for the one that is meant. */
export interface Lookalike {
  readonly field: string;
  readonly meant: string;
}

/** What a body says of the things that it is judged by, however deep they stand in it. */
export interface CallFields {
  /** Everything that it refers to, each once. */
  readonly references: readonly Reference[];
  /** The models that it names beside `model`: those of its tools, and those that may answer instead. */
  readonly models: readonly string[];
  /** The first field in another spelling than the list's. */
  readonly lookalike: Lookalike | undefined;
  /** How many fields all of its objects have: fewer than its text has where one stands twice. */
  readonly fieldCount: number;
  readonly isTooDeep: boolean;
  /** How many values are in it: fields, and elements of lists. */
  readonly valueCount: number;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** What the name of a field means. */
interface Meaning {
  readonly kind?: ReferredKind;
  readonly isIdentified?: true;
  readonly isOpaque?: true;
  readonly lookalikeOf?: string;
  /** The field of ours that it may be taken for at the top of a body. */
  readonly topLookalikeOf?: string;
  /** The field of an item that it may be taken for. */
  readonly itemLookalikeOf?: string;
  readonly namesModel?: true;
  readonly isNamedByCaller?: true;
}

/** Deeper than any body that a provider takes, and less deep than what a recursive parser stands. */
const maxDepth = 500;

/** How the fields of an object are read. */
const plain = 0;
/** They mean nothing, and neither does what is in them. */
const opaque = 1;
/** The caller has named them: their own names mean nothing. */
const callersNames = 2;
/** An entry of a list of items. */
const item = 3;
/** A tool, or the like, that may name a model. */
const naming = 4;
/** An object that names a thing by its `id`. */
const identified = 5;

/** Reads the fields of a body, or of a part of one. */
export function readCallFields(body: JsonObject): CallFields {
  return new Reading().read(body);
}

/** A value that is still to be read. */
interface Open {
  readonly value: object;
  readonly role: number;
  readonly depth: number;
  /** The field that it stands in. */
  readonly parent: string;
}

class Reading {
  #references: Map<string, Reference> | undefined;
  #models: string[] | undefined;
  #lookalike: Lookalike | undefined;
  #fieldCount = 0;
  #elementCount = 0;
  #isTooDeep = false;
  // Not by recursion: a body may nest deeper than the stack.
  readonly #open: Open[] = [];

  read(body: JsonObject): CallFields {
    this.#readObject(body, plain, 0, '');
    for (let next = this.#open.pop(); next; next = this.#open.pop()) {
      const { value, role, depth, parent } = next;
      if (!Array.isArray(value)) this.#readObject(value as JsonObject, role, depth, parent);
      else {
        this.#elementCount += value.length;
        for (const element of value) this.#push(element, role, depth + 1, parent);
      }
    }
    return {
      references: this.#references ? [...this.#references.values()] : none,
      models: this.#models ?? none,
      lookalike: this.#lookalike,
      fieldCount: this.#fieldCount,
      isTooDeep: this.#isTooDeep,
      valueCount: this.#fieldCount + this.#elementCount,
    };
  }

  #readObject(object: JsonObject, role: number, depth: number, parent: string): void {
    const isNamed = role !== opaque && role !== callersNames;
    for (const name in object) {
      this.#fieldCount += 1;
      const value = object[name];
      const meaning = isNamed ? meaningOf(name) : nothing;
      if (meaning === nothing) this.#push(value, role === opaque ? opaque : plain, depth + 1, name);
      else {
        this.#note(name, value, meaning, role, depth);
        const isInput = name === 'input' && depth > 0 && toolInputs.includes(String(object.type));
        this.#push(value, isInput ? opaque : roleOf(name, meaning, depth), depth + 1, name);
      }
    }
    if (role === item && !isSelfContained(object)) this.#refer('item', object.id, parent);
    if (role === identified) this.#refer(identifiedFields[parent] ?? 'item', object.id, parent);
  }

  /** Notes what a field with a meaning says. */
  #note(name: string, value: unknown, meaning: Meaning, role: number, depth: number): void {
    const ofTop = depth === 0 ? meaning.topLookalikeOf : undefined;
    const ofItem = role === item || role === identified ? meaning.itemLookalikeOf : undefined;
    const meant = ofTop ?? meaning.lookalikeOf ?? ofItem;
    if (meant !== undefined) this.#lookalike ??= { field: name, meant };
    if (meaning.kind !== undefined) this.#refer(meaning.kind, value, name);
    if (meaning.namesModel && (role === naming || depth === 0)) {
      this.#models = addModels(this.#models, name, value, role);
    }
  }

  #refer(kind: ReferredKind, value: unknown, param: string): void {
    for (const id of Array.isArray(value) ? value : [value]) {
      if (typeof id !== 'string' || id === '') continue;
      this.#references ??= new Map();
      this.#references.set(`${kind} ${id}`, { kind, id, param });
    }
  }

  #push(value: unknown, role: number, depth: number, parent: string): void {
    if (typeof value !== 'object' || value === null) return;
    if (depth > maxDepth) this.#isTooDeep = true;
    else this.#open.push({ value, role, depth, parent });
  }
}

const none: readonly never[] = [];

/** Whether an item of a prompt says all of itself, so that its id, if any, is only a name. */
export function isSelfContained(item: JsonObject): boolean {
  const type = item.type ?? 'message';
  const field = typeof type === 'string' && Object.hasOwn(itemContents, type) ? itemContents[type] : undefined;
  const content = field === undefined ? null : item[field];
  return content !== null && content !== undefined && content !== '';
}

/** What is in a field, by its name and whether it stands at the top of the body. */
function roleOf(name: string, meaning: Meaning, depth: number): number {
  if (meaning.isOpaque) return opaque;
  if (meaning.isNamedByCaller) return callersNames;
  if (meaning.isIdentified) return identified;
  if (depth === 0 && itemLists.includes(name)) return item;
  return namingFields.includes(name) ? naming : plain;
}

/** A tool has a `model`; `models`, `fallbacks` and `svg` stand at the top. The `model` of the call itself is not among them. */
function addModels(known: string[] | undefined, name: string, value: unknown, role: number): string[] | undefined {
  if (name === 'model' && role !== naming) return known;
  const named = (Array.isArray(value) ? value : [value]).filter((model) => typeof model === 'string');
  return named.length === 0 ? known : [...(known ?? []), ...named];
}

/** The first field of an object that some reader takes for one of these names, though it is written otherwise. */
export function findLookalike(object: JsonObject, names: readonly string[]): Lookalike | undefined {
  for (const field of Object.keys(object)) {
    const meant = names.find((name) => name !== field && fold(name) === fold(field));
    if (meant !== undefined) return { field, meant };
  }
  return undefined;
}

const nothing: Meaning = {};
const maxKnown = 2_000;
/** By name, as far as names have been met. Callers choose names, so there is a bound. */
const known = new Map<string, Meaning>();

function meaningOf(name: string): Meaning {
  const meaning = known.get(name);
  if (meaning !== undefined) return meaning;
  const found = findMeaning(name);
  if (known.size < maxKnown && name.length <= 64) known.set(name, found);
  return found;
}

const listed: ReadonlyMap<string, string> = namesByFold([
  ...governingFields,
  ...Object.keys(referringFields),
  ...Object.keys(identifiedFields),
  ...namedByCaller,
]);
const listedOfItems: ReadonlyMap<string, string> = namesByFold(itemFields);

/** The field of the list that a name stands for to some reader: itself, or one in another spelling. */
export function findListedField(name: string): string | undefined {
  return listed.get(fold(name));
}

function findMeaning(name: string): Meaning {
  const meant = findListedField(name);
  if (meant !== undefined && meant !== name) return { lookalikeOf: meant };
  const ofItem = listedOfItems.get(fold(name));
  const meaning: Meaning = {
    ...(Object.hasOwn(referringFields, name) && { kind: referringFields[name] }),
    ...(Object.hasOwn(identifiedFields, name) && { isIdentified: true as const }),
    ...(opaqueFields.includes(name) && { isOpaque: true as const }),
    ...(namedByCaller.includes(name) && { isNamedByCaller: true as const }),
    ...((name === 'model' || name === 'models' || name === 'svg' || name === 'fallbacks') && {
      namesModel: true as const,
    }),
    ...(ofItem !== undefined && ofItem !== name && { itemLookalikeOf: ofItem }),
    ...(misspellings.has(fold(name).replaceAll('-', '')) && name !== 'persona_id' && { topLookalikeOf: 'persona_id' }),
  };
  return Object.keys(meaning).length > 0 || meant !== undefined ? meaning : nothing;
}

/** What callers write for `persona_id`, folded: a call must not go without its persona in silence. No provider has such fields. */
const misspellings: ReadonlySet<string> = new Set(['persona', 'personaid', 'personaname', 'personauuid']);

function namesByFold(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [fold(name), name]));
}

/**
 * The same text for all names that some reader takes for one field. Go's `encoding/json` folds letters as Unicode does,
 * readers of protocol buffers take `fileId` for `file_id`, and to those written in C a name ends at NUL.
 */
function fold(name: string): string {
  const end = name.indexOf('\0');
  return (end === -1 ? name : name.slice(0, end)).toUpperCase().toLowerCase().replaceAll('_', '');
}
