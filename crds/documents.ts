import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  type SchemaOptions,
} from 'yaml';
import type { JsonValue } from './definition.ts';
import { kubectlTags } from './scalars.ts';
import { isJsonArray, isJsonObject } from './schema-node.ts';

/** A file of YAML, or what is sent in place of one. */
export interface YamlFile {
  /** What it is called in problems, such as its path. */
  readonly file: string;
  readonly text: string;
  /** Why it could not be read, and in which line. Then `text` is empty. */
  readonly problem?: { readonly reason: string; readonly line?: number };
}

/** Why a document cannot be parsed. */
export interface DocumentProblem {
  readonly file: string;
  /** Number of the document in the file, from 1. */
  readonly document?: number;
  /** From 1. */
  readonly line?: number;
  readonly reason: string;
}

/** An object in a file. */
export interface FileObject {
  readonly file: string;
  /** From 1. */
  readonly document: number;
  readonly value: JsonValue;
  /** The line of a field such as `spec.users[0]`, or of the nearest enclosing node. From 1. */
  lineOf(field: string): number;
  /** A hint for a text field whose value lacks quotation marks, so YAML reads another type. Else empty. */
  quotationHint(field: string): string;
}

export interface ParsedFile {
  readonly objects: readonly FileObject[];
  readonly problems: readonly DocumentProblem[];
}

/** YAML options that read as kubectl does. */
export const kubectlSchema: SchemaOptions = { schema: 'failsafe', customTags: [...kubectlTags], merge: true };

/** Reads a file's documents. Each item of a List is an object; empty documents are skipped. */
export function parseFile({ file, text, problem }: YamlFile): ParsedFile {
  if (problem) return { objects: [], problems: [{ file, ...problem }] };
  const lines = new LineCounter();
  let documents: readonly Document[];
  try {
    // A file that works here must work with kubectl.
    documents = [...parseAllDocuments(text, { lineCounter: lines, ...kubectlSchema, prettyErrors: false })];
  } catch (error) {
    return { objects: [], problems: [{ file, reason: reasonOf(error) }] };
  }
  const parsed = documents.map((document, index): ParsedFile => {
    const [error] = document.errors;
    if (error) {
      const { line } = lines.linePos(error.pos[0]);
      return { objects: [], problems: [{ file, document: index + 1, line, reason: reasonOf(error) }] };
    }
    try {
      return { objects: objectsOf(file, index + 1, document, lines), problems: [] };
    } catch (error) {
      const line = lineOf(document, lines, []);
      return { objects: [], problems: [{ file, document: index + 1, line, reason: reasonOf(error) }] };
    }
  });
  return {
    objects: parsed.flatMap(({ objects }) => objects),
    problems: parsed.flatMap(({ problems }) => problems),
  };
}

function objectsOf(file: string, document: number, content: Document, lines: LineCounter): readonly FileObject[] {
  const value: JsonValue = content.toJS();
  if (value === null) return [];
  const object = (item: JsonValue, root: readonly (string | number)[]): FileObject => ({
    file,
    document,
    value: item,
    lineOf: (field) => lineOf(content, lines, [...root, ...fieldSteps(field)]),
    quotationHint: (field) => quotationHint(content, [...root, ...fieldSteps(field)]),
  });
  if (isJsonObject(value) && value.kind === 'List' && isJsonArray(value.items)) {
    return value.items.map((item, index) => object(item, ['items', index]));
  }
  return [object(value, [])];
}

/** Whether a field must be a text, so that a quotation hint may help. @param message of a validator */
export function asksForText(message: string): boolean {
  return message.includes(' must be of type string: ');
}

/** Why a file cannot be parsed. The parser throws some errors, such as an unknown alias, instead of reporting them. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return reason.includes('call stack') ? 'is nested too deeply' : reason;
}

function fieldSteps(field: string): readonly (string | number)[] {
  return [...field.matchAll(/\[(\d+)\]|[^.[]+/g)].map(([name, index]) => (index === undefined ? name : Number(index)));
}

function lineOf(content: Document, lines: LineCounter, steps: readonly (string | number)[]): number {
  for (let length = steps.length; length >= 0; length--) {
    const node = nodeAt(content, steps.slice(0, length));
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function quotationHint(content: Document, steps: readonly (string | number)[]): string {
  const node = content.getIn(steps, true);
  if (!isScalar(node) || node.type !== 'PLAIN' || typeof node.value === 'string' || !node.source) return '';
  const kind = node.value === null ? 'null' : `a ${typeof node.value}`;
  return `; YAML reads ${node.source} as ${kind}, so write it in quotation marks: "${node.source}"`;
}

/** Finds the key of a field, since its value may begin on a later line; else the list item, or the whole document. */
function nodeAt(content: Document, steps: readonly (string | number)[]): Node | undefined {
  const step = steps.at(-1);
  if (step === undefined) return content.contents ?? undefined;
  const parent = content.getIn(steps.slice(0, -1), true);
  const key = isMap(parent)
    ? parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === step)?.key
    : undefined;
  const node = key ?? content.getIn(steps, true);
  return isNode(node) ? node : undefined;
}
