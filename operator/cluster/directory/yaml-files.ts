import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { YamlFile } from '../../../crds/documents.ts';
import { decodeText } from '../../../crds/text.ts';
import { articlesFolder } from './articles-folder.ts';
import { DirectoryError } from './directory-error.ts';

/**
 * Reads all YAML files below a directory, and the Markdown files in folders of articles, in the order of their paths. It skips names that begin with a dot. An
 * unreadable file has a `problem`; the others are read.
 *
 * @throws DirectoryError where the directory or a YAML file in it is missing
 */
export async function readYamlFiles(directory: string): Promise<readonly YamlFile[]> {
  const paths = await yamlPaths(directory).catch((cause: unknown) => {
    throw new DirectoryError('directory_not_found', directory, { cause });
  });
  if (paths.length === 0) throw new DirectoryError('directory_without_yaml', directory);
  const files = await Promise.all(paths.map((path) => readYamlFile(directory, path)));
  return files.filter((file) => file !== undefined);
}

async function yamlPaths(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const paths = await Promise.all(
    entries.map(async (entry): Promise<readonly string[]> => {
      const path = join(directory, entry.name);
      if (entry.name.startsWith('.')) return [];
      if (entry.isDirectory()) return unlessGone(yamlPaths(path), []);
      const isArticle = entry.name.endsWith('.md') && basename(directory) === articlesFolder;
      if (!isArticle && !/\.ya?ml$/.test(entry.name)) return [];
      // A mounted ConfigMap consists of symbolic links.
      return entry.isSymbolicLink() || entry.isFile() ? [path] : [];
    }),
  );
  return paths.flat().sort();
}

async function readYamlFile(directory: string, path: string): Promise<YamlFile | undefined> {
  const file = relative(directory, path);
  try {
    // Reading something that is not a file, such as a pipe, might never end.
    if (!(await stat(path)).isFile()) return undefined;
    const decoded = decodeText(await readFile(path));
    return 'text' in decoded ? { file, ...decoded } : { file, text: '', problem: decoded };
  } catch (error) {
    if (isGone(error)) return undefined;
    return { file, text: '', problem: { reason: `cannot be read: ${error instanceof Error ? error.message : error}` } };
  }
}

/** A file may disappear between listing and reading. */
async function unlessGone<T, D>(reading: Promise<T>, otherwise: D): Promise<T | D> {
  try {
    return await reading;
  } catch (error) {
    if (isGone(error)) return otherwise;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
