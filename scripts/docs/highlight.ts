import { createRequire } from 'node:module';
import { extname } from 'node:path';

interface Highlighter {
  readonly getLanguage: (name: string) => object | undefined;
  readonly highlight: (
    text: string,
    options: { language: string; ignoreIllegals: boolean },
  ) => { readonly value: string };
}

/** Not by `import`: its types would bring those of browsers into all of our code. */
const hljs: Highlighter = createRequire(import.meta.url)('highlight.js');

/** By what stands behind a fence, or by the end of a file's name. */
const languages: Readonly<Record<string, string>> = {
  sh: 'bash',
  console: 'bash',
  mjs: 'javascript',
  ts: 'typescript',
  js: 'javascript',
  yml: 'yaml',
  md: 'markdown',
  html: 'xml',
  svg: 'xml',
  py: 'python',
};

/** The text as HTML, in colours where its language is known. */
export function highlight(text: string, language: string): string {
  const known = languages[language] ?? language;
  if (known === 'text' || known === '' || !hljs.getLanguage(known)) return escapeHtml(text);
  return hljs.highlight(text, { language: known, ignoreIllegals: true }).value;
}

export const languageOf = (file: string): string => extname(file).slice(1);

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
