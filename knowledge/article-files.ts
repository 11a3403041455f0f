/** A ConfigMap with it holds articles of the organization that it names. In local mode it names none. */
export const articlesLabel = 'chaperone.dev/knowledge-base';

/** In local mode, the file that a ConfigMap stands for. */
export const fileAnnotation = 'chaperone.dev/file';
