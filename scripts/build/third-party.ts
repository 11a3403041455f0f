import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundledPackage } from './bundled-packages.ts';

/** In the bundle: what licences ask to be passed on. */
export const thirdPartyFile = 'THIRD-PARTY-LICENSES.txt';

const rule = '-'.repeat(80);

/**
 * The licences of everything in the bundle that others wrote, with their copyright lines.
 *
 * @param root the repository
 */
export async function describeThirdParties(root: string, packages: readonly BundledPackage[]): Promise<string> {
  const apache = (await readFile(join(root, 'LICENSE'), 'utf8')).trim();
  const parts = packages.map(({ name, version, license, manifest, texts }) => {
    const own =
      texts.length > 0 ? texts : license.split(/\b(?:AND|OR)\b/).map((id) => standardText(id, manifest, apache));
    return [`${name} ${version}`, `Licence: ${license}`, '', ...own].join('\n');
  });
  const head = 'Chaperone contains the following software. Each part has its own licence, whose text follows.';
  return `${[head, ...parts, swagger(apache)].join(`\n\n${rule}\n\n`)}\n`;
}

/** Of a package without a file about its licence: the text that the licence has everywhere, for the author that it names. */
function standardText(id: string, { name, author }: BundledPackage['manifest'], apache: string): string {
  const holder =
    typeof author === 'string' ? author : ((author as { name?: string } | undefined)?.name ?? `the authors of ${name}`);
  const text = { 'Apache-2.0': apache, MIT: mit, 'BSD-3-Clause': bsd3, Unlicense: unlicense }[
    id.replaceAll(/[() ]/g, '')
  ];
  if (text === undefined) throw new Error(`${name} has no text of its licence, ${id}`);
  return `Copyright (c) ${holder}\n\n${text}`;
}

/** @fastify/swagger-ui brings the files of Swagger UI, without a word about its licence. */
const swagger = (apache: string) =>
  `swagger-ui (the page /docs)\nLicence: Apache-2.0\n\nCopyright 2020-2021 SmartBear Software Inc.\n\n${apache}`;

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

const bsd3 = `Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions and the following
   disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following
   disclaimer in the documentation and/or other materials provided with the distribution.
3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or promote
   products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES,
INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.`;

const unlicense = `This is free and unencumbered software released into the public domain.
For more information, please refer to <https://unlicense.org/>`;
