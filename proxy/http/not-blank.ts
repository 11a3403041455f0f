/** A pattern: something besides blanks. */
export const notBlank = '\\S';
