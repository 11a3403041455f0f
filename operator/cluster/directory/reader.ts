import { isDeepStrictEqual } from 'node:util';
import { asksForText, type FileObject, type ParsedFile, parseFile, type YamlFile } from '../../../crds/documents.ts';
import type { ObjectKey } from '../cluster.ts';
import { describeKey, idOf } from '../object-key.ts';
import { parseArticleFile } from './article-file.ts';
import type { FileProblem } from './directory-error.ts';
import { makeMissingObjects } from './missing-objects.ts';
import type { Objects } from './objects.ts';
import type { ProblemReport } from './problem-report.ts';
import type { Records } from './records.ts';
import { problemOf, readStatements, type Statement, type Statements } from './statements.ts';
import { readYamlFiles } from './yaml-files.ts';

/** Reads the directory and applies what its files state. */
export interface Reader {
  /**
   * @returns whether an object is missing, so that the directory must be read again after `settleMs`
   * @throws DirectoryError where the directory has never been read and there is nothing to read
   */
  read(): Promise<boolean>;
  /** Makes the next read apply the object again, though its file did not change. */
  forget(key: ObjectKey): void;
}

interface ReaderContext {
  readonly directory: string;
  readonly objects: Objects;
  readonly records: Records;
  readonly problems: ProblemReport;
  readonly settleMs: number;
}

/** The result of applying a document. */
interface Outcome {
  readonly source: FileObject;
  readonly problems: readonly FileProblem[];
}

export function makeReader({ directory, objects, records, problems, settleMs }: ReaderContext): Reader {
  const parse = makeParser();
  const missingObjects = makeMissingObjects(() => performance.now(), settleMs);
  const outcomes = new Map<string, Outcome>();
  let wasRead = false;
  let lastFiles: readonly YamlFile[] | undefined;

  /** Applies a statement, unless it was applied before from the same unchanged file. */
  const apply = async ({ key, value, source }: Statement): Promise<readonly FileProblem[]> => {
    const known = outcomes.get(idOf(key));
    if (known && known.source === source) return known.problems;
    const found = await objects.apply(key, value, source?.file);
    if (!source) return [];
    const object = describeKey(key);
    const located = found.map(({ field, message }) => {
      const hint = asksForText(message) ? source.quotationHint(field) : '';
      return problemOf(source, { object, field, reason: `${message}${hint}` });
    });
    outcomes.set(idOf(key), { source, problems: located });
    return located;
  };

  const act = async (files: readonly YamlFile[]) => {
    const statements = readStatements(parse(files));
    const found = [...statements.problems];
    for (const statement of statements.byId.values()) found.push(...(await apply(statement)));
    for (const key of missingObjects.update(missingFrom(statements, records))) {
      await objects.delete(key);
      outcomes.delete(idOf(key));
    }
    problems.replace(found);
  };

  return {
    read: async () => {
      try {
        const files = await readYamlFiles(directory);
        if (missingObjects.isUnsettled() || !isDeepStrictEqual(files, lastFiles)) await act(files);
        lastFiles = files;
        wasRead = true;
      } catch (error) {
        if (!wasRead) throw error;
        lastFiles = undefined;
        const reason = `${error instanceof Error ? error.message : error}; what was read last stays in force`;
        problems.replace([{ file: '.', reason }]);
      }
      return missingObjects.isUnsettled();
    },
    forget: (key) => {
      outcomes.delete(idOf(key));
      lastFiles = undefined;
    },
  };
}

/** Parses only the files that changed since the last time. */
function makeParser(): (files: readonly YamlFile[]) => readonly ParsedFile[] {
  let known: ReadonlyMap<string, YamlFile & { readonly content: ParsedFile }> = new Map();
  return (files) => {
    const parse = (file: YamlFile) => {
      const before = known.get(file.file);
      const isKnown = before?.text === file.text && isDeepStrictEqual(before.problem, file.problem);
      if (isKnown) return before;
      return { ...file, content: file.file.endsWith('.md') ? parseArticleFile(file) : parseFile(file) };
    };
    known = new Map(files.map((file) => [file.file, parse(file)]));
    return [...known.values()].map(({ content }) => content);
  };
}

/**
 * The objects that the files no longer state. Objects whose file has unreadable documents are left out, since those may
 * state them.
 */
function missingFrom({ byId, unreadable }: Statements, records: Records): readonly ObjectKey[] {
  return records
    .all()
    .filter(({ key, owner }) => owner === 'files' && !byId.has(idOf(key)))
    .filter(({ file }) => file === undefined || !unreadable.has(file))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ key }) => key);
}
