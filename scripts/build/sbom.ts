import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { BundledPackage } from './bundled-packages.ts';

/** In the bundle: what it is made of, as CycloneDX. */
export const sbomFile = 'sbom.cdx.json';

/** V8's, for one processor and one build: see docs/supply-chain.md. */
const codeCaches = '**/*.cache';

const isExpression = (text: string) => {
  if (!/\b(?:AND|OR)\b/.test(text)) throw new Error(`${text} is no expression`);
};
const licenses = new Contrib.License.Factories.LicenseFactory(isExpression);
const { ComponentBuilder } = Contrib.FromNodePackageJson.Builders;
const { ExternalReferenceFactory } = Contrib.FromNodePackageJson.Factories;
const components = new ComponentBuilder(new ExternalReferenceFactory(), licenses);

/**
 * The bill of materials of a bundle. The same bundle has the same one: it has no time and no random number.
 *
 * @param directory has the bundle's files
 * @param version of the product
 */
export async function describeBundle(
  directory: string,
  version: string,
  packages: readonly BundledPackage[],
): Promise<string> {
  const product = new Models.Component(Enums.ComponentType.Application, 'chaperone', { bomRef: 'chaperone', version });
  product.licenses.add(licenses.makeFromString('Apache-2.0'));
  const parts = [describeNode(), ...packages.map(describePackage), ...(await describeFiles(directory))];
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: product }) });
  for (const part of parts) {
    bom.components.add(part);
    product.dependencies.add(part.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function describePackage({ name, version, manifest }: BundledPackage): Models.Component {
  const component = components.makeComponent({ ...manifest, name, version });
  if (!component) throw new Error(`${name} cannot be described`);
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  component.purl = purl;
  component.bomRef.value = purl;
  return component;
}

/** The build runs in the image that it is for, on the same Node. */
function describeNode(): Models.Component {
  const { node: version } = process.versions;
  return new Models.Component(Enums.ComponentType.Platform, 'node', {
    ...{ bomRef: 'node', version, purl: `pkg:generic/node@${version}` },
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:-:*:*:*`,
  });
}

async function describeFiles(directory: string): Promise<Models.Component[]> {
  const files = globSync('**/*', { cwd: directory, exclude: [codeCaches], withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((file) => file !== sbomFile)
    .sort();
  return Promise.all(
    files.map(async (file) => {
      const digest = createHash('sha256')
        .update(await readFile(join(directory, file)))
        .digest('hex');
      const component = new Models.Component(Enums.ComponentType.File, file, { bomRef: `file:${file}` });
      component.hashes.set(Enums.HashAlgorithm['SHA-256'], digest);
      return component;
    }),
  );
}
