const wrapper = /\b(__(?:esm|commonJS)\(\{)(?=")/g;

/**
 * Lets the modules of a bundled program not use up V8's shapes of objects.
 *
 * esbuild wraps each module in a literal with one property, named by the module's path. V8 finds the shape of a literal
 * by the names of its properties, and remembers at most 1,536 first names for all literals with one property. In a
 * program with more modules, every other object that begins with one property would get a new shape each time it is
 * made, and each access to it would be slow. A literal without a prototype uses none of these shapes.
 *
 * @throws where the bundler wraps modules in another way
 */
export function withoutSharedShapes(program: string): string {
  const changed = program.replace(wrapper, '$1__proto__:null,');
  if (changed === program) throw new Error('The bundler wraps modules in another way than this was written for');
  return changed;
}
