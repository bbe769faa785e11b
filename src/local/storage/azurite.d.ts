/** The parts of Azurite 3.35 that are used here; it ships no types. Its CommonJS default exports arrive in ES modules as `{ default }`. */

interface LokiDatabase {
  /** True where something changed since the last save. */
  autosaveDirty(): boolean;
  /** Saves that are asked for while one runs are answered by one later save. */
  saveDatabase(done: (error?: Error | null) => void): void;
}

declare module 'azurite/dist/src/blob/BlobConfiguration.js' {
  class BlobConfiguration {
    constructor(
      host: string,
      port: number,
      keepAliveTimeoutSeconds: number,
      metadataDatabasePath: string,
      extentDatabasePath: string,
      persistence: readonly { locationId: string; locationPath: string; maxConcurrency: number }[],
      enableAccessLog: boolean,
      accessLogStream: undefined,
      enableDebugLog: boolean,
      debugLogPath: undefined,
      loose: boolean,
      skipApiVersionCheck: boolean,
    );
  }
  const exported: { readonly default: typeof BlobConfiguration };

  export { type BlobConfiguration, exported as default };
}

declare module 'azurite/dist/src/blob/BlobServer.js' {
  import type { Server } from 'node:http';
  import type { BlobConfiguration } from 'azurite/dist/src/blob/BlobConfiguration.js';

  class BlobServer {
    constructor(configuration: BlobConfiguration);
    readonly httpServer: Server;
    readonly metadataStore: { readonly db: LokiDatabase };
    readonly extentMetadataStore: { readonly db: LokiDatabase };
    start(): Promise<void>;
    close(): Promise<void>;
  }
  const exported: { readonly default: typeof BlobServer };

  export { exported as default };
}

declare module 'azurite/dist/src/queue/QueueConfiguration.js' {
  class QueueConfiguration {
    constructor(
      host: string,
      port: number,
      keepAliveTimeoutSeconds: number,
      metadataDatabasePath: string,
      extentDatabasePath: string,
      persistence: readonly { locationId: string; locationPath: string; maxConcurrency: number }[],
      enableAccessLog: boolean,
      accessLogStream: undefined,
      enableDebugLog: boolean,
      debugLogPath: undefined,
      loose: boolean,
      skipApiVersionCheck: boolean,
    );
  }
  const exported: { readonly default: typeof QueueConfiguration };

  export { exported as default, type QueueConfiguration };
}

declare module 'azurite/dist/src/queue/QueueServer.js' {
  import type { Server } from 'node:http';
  import type { QueueConfiguration } from 'azurite/dist/src/queue/QueueConfiguration.js';

  class QueueServer {
    constructor(configuration: QueueConfiguration);
    readonly httpServer: Server;
    readonly metadataStore: { readonly db: LokiDatabase };
    readonly extentMetadataStore: { readonly db: LokiDatabase };
    start(): Promise<void>;
    close(): Promise<void>;
  }
  const exported: { readonly default: typeof QueueServer };

  export { exported as default };
}

declare module 'azurite/dist/src/common/Telemetry.js' {
  export const AzuriteTelemetryClient: { init(location: string, enabled: boolean, environment: undefined): void };
}

declare module 'azurite/dist/src/common/Logger.js' {
  export function configLogger(enabled: boolean, path?: string): void;
}
