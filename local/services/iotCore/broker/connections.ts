import type { Client } from 'aedes';

/** Which certificate each connection of the broker showed. */
export interface Connections {
  add(client: Client, certificateId: string): void;
  remove(client: Client): void;
  /** Also for a connection that ended: its last will is judged by it. */
  certificateOf(client: Client): string | undefined;
  disconnect(certificateId: string): void;
}

export function createConnections(): Connections {
  const certificates = new WeakMap<Client, string>();
  const open = new Map<string, Set<Client>>();
  return {
    add(client, certificateId) {
      certificates.set(client, certificateId);
      open.set(certificateId, (open.get(certificateId) ?? new Set()).add(client));
    },
    remove(client) {
      const certificateId = certificates.get(client);
      if (certificateId === undefined) return;
      const others = open.get(certificateId);
      others?.delete(client);
      if (others?.size === 0) open.delete(certificateId);
    },
    certificateOf: (client) => certificates.get(client),
    disconnect(certificateId) {
      for (const client of [...(open.get(certificateId) ?? [])]) client.close();
    },
  };
}
