import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Throttled {
  url: string;
  /** How many requests were refused. */
  refused(): number;
  close(): Promise<void>;
}

/** A service of the cloud that refuses the first requests whose path matches, as AWS refuses too many at once. */
export async function startThrottled(target: string, path: RegExp, times: number): Promise<Throttled> {
  let refused = 0;
  const server = createServer((incoming, outgoing) => {
    if (refused < times && path.test(incoming.url ?? '')) {
      refused += 1;
      refuse(incoming, outgoing);
    } else {
      forward(target, incoming, outgoing);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.resume();
  outgoing
    .writeHead(429, { 'content-type': 'application/json', 'x-amzn-errortype': 'ThrottlingException' })
    .end('{"message":"Rate exceeded"}');
}

/** With the headers as they came: the signature covers the host among them. */
function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, headers, url = '' } = incoming;
  const onward = request(new URL(url, target), { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.once('error', () => outgoing.destroy());
  incoming.pipe(onward);
}
