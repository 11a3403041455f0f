import type { Plugin } from 'esbuild';

/** A part of a package that the package loads although the program never uses it. */
interface UnusedPart {
  /** What the package names in `require`. */
  readonly names: RegExp;
  /** Where: the path of the file that loads it. */
  readonly from: RegExp;
  /** What the bundle has instead, as CommonJS. */
  readonly contents: string;
}

const absent = (what: string) =>
  `module.exports = () => { throw new Error(${JSON.stringify(`${what} is not part of this program`)}); };`;

const unusedByAll: readonly UnusedPart[] = [
  // Its metric of processor time can have exemplars of traces, which ours has not.
  { names: /^@opentelemetry\/api$/, from: /\/prom-client\//, contents: 'module.exports = {};' },
  // One process is one registry, which Prometheus scrapes.
  {
    names: /\/(cluster|pushgateway)$/,
    from: /\/prom-client\/index\.js$/,
    contents: absent('this part of prom-client'),
  },
  // The log is written by the main thread itself.
  { names: /^worker_threads$/, from: /\/pino\/lib\/tools\.js$/, contents: 'exports.isMainThread = true;' },
  { names: /\/transport$/, from: /\/pino\/(pino|lib\/tools)\.js$/, contents: absent("pino's transport") },
];

/**
 * All connections are HTTP/1.1 (`allowH2: false`), and node:http2 is the largest of Node's own modules. An operator's
 * connections through a forward proxy are the Kubernetes client's, which may speak HTTP/2.
 */
const unusedByCalls: readonly UnusedPart[] = [
  { names: /client-h2\.js$/, from: /\/undici\/lib\/dispatcher\/client\.js$/, contents: absent('HTTP/2') },
];

const unusedByProxies: readonly UnusedPart[] = [
  { names: /^pg-pool$/, from: /\/pg\/lib\/index\.js$/, contents: 'module.exports = class {};' },
];

/** Leaves out parts of packages that the program never uses: a process pays memory and time for all that it loads. */
const leaveOut = (unusedParts: readonly UnusedPart[]): Plugin => ({
  name: 'unused-parts',
  setup: ({ onLoad, onResolve }) => {
    for (const [index, { names, from }] of unusedParts.entries()) {
      onResolve({ filter: names }, ({ importer }) =>
        from.test(importer) ? { path: String(index), namespace: 'unused-part' } : undefined,
      );
    }
    onLoad({ filter: /.*/, namespace: 'unused-part' }, ({ path }) => ({
      contents: unusedParts[Number(path)]?.contents ?? '',
    }));
  },
});

export const partsThatProxiesLeaveOut = leaveOut([...unusedByAll, ...unusedByCalls, ...unusedByProxies]);
export const partsThatWorkersLeaveOut = leaveOut([...unusedByAll, ...unusedByCalls]);
export const partsThatOperatorsLeaveOut = leaveOut(unusedByAll);
