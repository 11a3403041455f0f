import type { JsonValue } from '../../../crds/definition.ts';
import type { FileObject, ParsedFile } from '../../../crds/documents.ts';
import { isJsonObject } from '../../../crds/schema-node.ts';
import type { ObjectKey } from '../cluster.ts';
import { cachedKinds, isKind, kinds } from '../kinds.ts';
import { describeKey, idOf } from '../object-key.ts';
import type { FileProblem } from './directory-error.ts';

/** A document's statement that an object should exist, with its content. */
export interface Statement {
  readonly key: ObjectKey;
  readonly value: JsonValue;
  /** Absent for a namespace that other objects merely mention. */
  readonly source?: FileObject;
}

export interface Statements {
  /** By the id of the object's key. */
  readonly byId: ReadonlyMap<string, Statement>;
  readonly problems: readonly FileProblem[];
  /** Files with documents whose object cannot be determined. */
  readonly unreadable: ReadonlySet<string>;
}

const nameLabel = 'kubernetes.io/metadata.name';

/**
 * Collects what the files state. Where two files state the same object, the first counts. A mentioned namespace exists,
 * and every namespace has the label with its name, as in a cluster.
 */
export function readStatements(files: readonly ParsedFile[]): Statements {
  const byId = new Map<string, Statement>();
  const problems = files.flatMap((file) => file.problems);
  const unreadable = new Set(problems.map(({ file }) => file));
  for (const source of files.flatMap(({ objects }) => objects)) {
    const statement = readStatement(source);
    if ('reason' in statement) {
      const hint = statement.field === undefined ? '' : source.quotationHint(statement.field);
      problems.push(problemOf(source, { ...statement, reason: `${statement.reason}${hint}` }));
      if (!statement.isForeign) unreadable.add(source.file);
      continue;
    }
    const first = byId.get(idOf(statement.key))?.source;
    if (first) {
      const object = describeKey(statement.key);
      const reason = `stated a second time; ${first.file} (line ${first.lineOf('')}) stays in force`;
      problems.push(problemOf(source, { object, reason }));
    } else {
      byId.set(idOf(statement.key), statement);
    }
  }
  for (const name of namespacesOf(byId)) {
    const statement = namespaceStatement(name, byId.get(idOf({ kind: 'Namespace', namespace: '', name })));
    byId.set(idOf(statement.key), statement);
  }
  return { byId, problems, unreadable };
}

/** Makes a problem with an object or one of its fields, with its file and line. */
export function problemOf(
  { file, document, lineOf }: FileObject,
  { field, ...problem }: Pick<FileProblem, 'object' | 'field' | 'reason'>,
): FileProblem {
  const { object, reason } = problem;
  return { file, document, line: lineOf(field ?? ''), ...(object && { object }), ...(field && { field }), reason };
}

interface Unstated {
  readonly reason: string;
  readonly field?: string;
  /** Whether the kind is one that is not read here, so that the document cannot state an object of ours. */
  readonly isForeign: boolean;
}

function readStatement(source: FileObject): Statement | Unstated {
  const { value } = source;
  if (!isJsonObject(value)) return { reason: 'is not an object with apiVersion, kind and metadata', isForeign: false };
  const { kind, metadata } = value;
  if (kind === undefined) return { reason: 'has no kind', isForeign: false };
  if (typeof kind !== 'string') return { field: 'kind', reason: 'is not text', isForeign: false };
  if (!isKind(kind)) {
    return {
      reason: `is a ${kind}; the kinds read here are ${cachedKinds.join(', ')} and List`,
      isForeign: true,
    };
  }
  if (!isJsonObject(metadata) || metadata.name === undefined) {
    return { reason: `is a ${kind} without metadata.name`, isForeign: false };
  }
  if (typeof metadata.name !== 'string') return { field: 'metadata.name', reason: 'is not text', isForeign: false };
  const { name, namespace = 'default' } = metadata;
  if (kinds[kind].scope === 'Cluster') return { key: { kind, namespace: '', name }, value, source };
  if (typeof namespace !== 'string') return { field: 'metadata.namespace', reason: 'is not text', isForeign: false };
  return { key: { kind, namespace, name }, value: { ...value, metadata: { ...metadata, namespace } }, source };
}

function namespacesOf(byId: ReadonlyMap<string, Statement>): ReadonlySet<string> {
  const mentioned = [...byId.values()].map(({ key }) => (key.kind === 'Namespace' ? key.name : key.namespace));
  return new Set(['default', ...mentioned.filter((name) => name !== '')]);
}

function namespaceStatement(name: string, stated: Statement | undefined): Statement {
  const value = isJsonObject(stated?.value) ? stated.value : { apiVersion: 'v1', kind: 'Namespace' };
  const metadata = isJsonObject(value.metadata) ? value.metadata : { name };
  const labels = isJsonObject(metadata.labels) ? metadata.labels : {};
  return {
    key: { kind: 'Namespace', namespace: '', name },
    value: { ...value, metadata: { ...metadata, labels: { ...labels, [nameLabel]: name } } },
    ...(stated?.source && { source: stated.source }),
  };
}
