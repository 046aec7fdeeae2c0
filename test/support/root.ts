import path from 'node:path';

/** The folder of the project, wherever a test lies. */
export const root = path.resolve(__dirname, '..', '..');
