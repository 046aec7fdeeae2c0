import { AwsError } from '../../../../base/context';

export type TokenKind = 'name' | 'string' | 'number' | 'symbol' | 'end';

export interface Token {
  kind: TokenKind;
  /** Of a string: its content. Of anything else: as written. */
  text: string;
  /** Where it begins, counted from 0. */
  at: number;
}

const WHITESPACE = /\s+/y;
const PATTERNS: readonly [TokenKind, RegExp][] = [
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /-?\d+(\.\d+)?/y],
  ['string', /'[^'\\]*'/y],
  ['symbol', /<>|<=|>=|!=|[*(),.=<>]/y],
];

/** Splits SQL into tokens; the last one is of kind `end`. Throws SqlParseException. */
export function tokenise(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(WHITESPACE, sql, at)?.length ?? 0;
    if (at >= sql.length) return [...tokens, { kind: 'end', text: 'the end', at }];
    const token = tokenAt(sql, at);
    tokens.push(token.kind === 'string' ? { ...token, text: token.text.slice(1, -1) } : token);
    at += token.text.length;
  }
}

export function sqlError(message: string, sql: string): AwsError {
  return new AwsError('SqlParseException', `${message}, in: ${sql}`);
}

function tokenAt(sql: string, at: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    const text = matchAt(pattern, sql, at);
    if (text !== undefined) return { kind, text, at };
  }
  throw sqlError(`'${sql.charAt(at)}' at character ${at + 1} is not supported by the local cloud`, sql);
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
