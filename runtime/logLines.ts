import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

/** A function that writes without a line break must not fill the core's memory. */
const MAX_LINE_CHARS = 16 * 1024;

/** Calls `onLine` for each line of `stream`; lines over 16 K characters come in pieces. */
export function readLines(stream: Readable, onLine: (text: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) emit(line);
    if (rest.length > MAX_LINE_CHARS) {
      emit(rest);
      rest = '';
    }
  });
  stream.on('close', () => {
    if (rest !== '') emit(rest);
    rest = '';
  });
  stream.on('error', () => undefined);

  function emit(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += MAX_LINE_CHARS) {
      onLine(line.slice(at, at + MAX_LINE_CHARS));
    }
  }
}
