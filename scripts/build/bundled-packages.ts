import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A package of which something is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** Its package.json. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** An SPDX expression. */
  readonly license: string;
  /** The texts of its licence and its notices, as its authors wrote them. */
  readonly texts: readonly string[];
}

/**
 * Packages whose content is in files that were generated from it, so that no bundle names them: the price table.
 * And one whose browser files contain another project, which is named by its own licence below.
 */
const sources = ['node_modules/@pydantic/genai-prices/package.json', 'node_modules/@fastify/swagger-ui/package.json'];

/** The folder of the package that a file belongs to. */
const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const legal = /^(?:licen[cs]e|copying|notice)/i;

/**
 * The packages that files come from, by name and version.
 *
 * @param root the repository
 * @param inputs as esbuild names them, relative to the root
 */
export async function findBundledPackages(root: string, inputs: Iterable<string>): Promise<BundledPackage[]> {
  const folders = new Set([...sources, ...inputs].flatMap((file) => folder.exec(file)?.[0] ?? []));
  const packages = await Promise.all([...folders].map((path) => readPackage(join(root, path))));
  const unique = new Map(packages.map((one) => [`${one.name}@${one.version}`, one]));
  return [...unique.keys()].sort().map((key) => unique.get(key) as BundledPackage);
}

async function readPackage(directory: string): Promise<BundledPackage> {
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  const files = (await readdir(directory)).filter((file) => legal.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
  const { name, version, license } = manifest;
  if (typeof license !== 'string') throw new Error(`${name} does not state its licence by an SPDX expression`);
  return { name, version, manifest, license, texts: texts.map((text) => text.replaceAll('\r\n', '\n').trim()) };
}
