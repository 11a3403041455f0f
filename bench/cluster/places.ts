/** The namespaces of the objects that change. */
export const places = { app: 'bench-app', moving: 'bench-moving' } as const;
