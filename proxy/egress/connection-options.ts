/** Options of all connections to providers, direct or through a forward proxy. */
export const connectionOptions = { allowH2: false, connect: { timeout: 10_000 }, keepAliveTimeout: 4_000 } as const;
