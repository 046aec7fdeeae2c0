import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../support/root';

const IGNORED = ['dist', 'node_modules', 'coverage'];

/** Files of the project, below `folder`. */
export function walk(folder: string): string[] {
  const entries = readdirSync(path.join(root, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    if (entry.name.startsWith('.') || IGNORED.includes(entry.name)) return [];
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? walk(name) : [name];
  });
}

export const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** A fenced block of a page. */
export interface Block {
  page: string;
  line: number;
  language: string;
  text: string;
  /** The paragraph before it. */
  before: string;
}

export function blocksOf(page: string): Block[] {
  const text = textOf(page);
  return [...text.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm)].map(
    ({ index, 1: indent = '', 2: language = '', 3: content = '' }) => ({
      page,
      language,
      line: text.slice(0, index).split('\n').length,
      text: content.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      before: text.slice(0, index).trimEnd().split('\n').at(-1) ?? '',
    }),
  );
}
