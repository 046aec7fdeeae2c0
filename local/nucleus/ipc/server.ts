import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { IpcConnection } from './connection';
import type { IpcOperations } from './operation';

export interface IpcServerOptions {
  /** Path of the Unix socket; what is left of an earlier one is removed. */
  path: string;
  operations: IpcOperations;
  /** The component that has the token (SVCUID), or undefined. */
  authenticate(token: string): string | undefined;
  log: Logger;
}

export interface IpcServer {
  readonly path: string;
  close(): Promise<void>;
}

/** Greengrass IPC as `greengrasscoreipc` of the AWS IoT device SDK speaks it. */
export async function startIpcServer(options: IpcServerOptions): Promise<IpcServer> {
  const { path, log } = options;
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    new IpcConnection(socket, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', (err) => log.error({ err }, 'ipc server failed'));
      resolve();
    });
  });
  return {
    path,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(path, { force: true });
    },
  };
}
