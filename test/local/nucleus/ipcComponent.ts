import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../support/until';

interface Line {
  id?: number;
  event?: string;
  result?: unknown;
  error?: Record<string, unknown>;
  message?: unknown;
}

export interface IpcSubscription {
  readonly messages: unknown[];
  /** The first message that is, or comes, at this place. */
  message(index: number): Promise<unknown>;
  end(): void;
}

/** A component that speaks through the SDK's own IPC client, in a process of its own. */
export interface IpcComponent {
  /** Resolves with the answer, rejects with the service's error. */
  request(operation: string, input: object): Promise<unknown>;
  subscribe(operation: string, input: object): Promise<IpcSubscription>;
  close(): Promise<void>;
}

/** Rejects when the server refuses the token. */
export async function connectComponent(socket: string, token: string): Promise<IpcComponent> {
  const env = {
    PATH: process.env['PATH'],
    SVCUID: token,
    AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: socket,
  };
  const child = spawn(process.execPath, [join(__dirname, 'ipcAgent.cjs')], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: Line[] = [];
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  const first = await until('the end of the handshake', () => lines[0]);
  if (first.event !== 'connected') throw new Error(JSON.stringify(first));

  let lastId = 0;
  const send = (operation: string, input: object): number => {
    lastId += 1;
    child.stdin.write(`${JSON.stringify({ id: lastId, operation, input })}\n`);
    return lastId;
  };
  const answerOf = async (id: number): Promise<unknown> => {
    const line = await until(`the answer of request ${id}`, () =>
      lines.find((one) => one.id === id && (one.result !== undefined || one.error !== undefined)),
    );
    if (line.error !== undefined) throw Object.assign(new Error(String(line.error['message'])), line.error);
    return line.result;
  };
  return {
    request: (operation, input) => answerOf(send(operation, input)),
    async subscribe(operation, input) {
      const id = send(operation, input);
      await answerOf(id);
      const received = (): unknown[] =>
        lines.filter((one) => one.id === id && one.message !== undefined).map(({ message }) => message);
      return {
        get messages() {
          return received();
        },
        message: (index) => until(`message ${index} of ${operation}`, () => received()[index]),
        end: () => void child.stdin.write(`${JSON.stringify({ id, end: true })}\n`),
      };
    },
    async close() {
      child.stdin.end();
      await closed;
    },
  };
}
