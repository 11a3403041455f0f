/** The name of folders whose Markdown files are articles. */
export const articlesFolder = 'articles';
