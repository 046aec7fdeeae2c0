import { AwsError } from '../../../../base/context';
import { isTopicFilter } from '../../topics';
import {
  FUNCTIONS,
  type RuleComparison,
  type Expression,
  type FunctionName,
  type ComparisonOperator,
  type RuleQuery,
  type Selection,
} from './syntax';

type TokenKind = 'name' | 'string' | 'number' | 'symbol' | 'end';

interface Token {
  kind: TokenKind;
  /** Of a string: its content. Of anything else: as written. */
  text: string;
  /** Where it begins, counted from 0. */
  at: number;
}

/**
 * `SELECT <list> FROM '<filter>' [WHERE <comparison> [AND …]]`. Throws SqlParseException, naming what
 * the local cloud does not understand.
 */
export function parseRuleQuery(sql: string): RuleQuery {
  return new Parser(sql).query();
}

/** One expression, as inside `${…}` of a substitution template. Throws SqlParseException. */
export function parseExpression(text: string): Expression {
  return new Parser(text).onlyExpression();
}

const OPERATORS: Record<string, ComparisonOperator> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
/** Words with a meaning of their own in AWS IoT SQL, so that none is taken for a field. */
const RESERVED = new Set(
  'select from where as and or not in exists is null undefined case when then else end'.split(' '),
);

class Parser {
  private readonly tokens: Token[];
  private position = 0;

  constructor(private readonly sql: string) {
    this.tokens = tokenise(sql);
  }

  query(): RuleQuery {
    this.requireKeyword('select');
    const select = this.listOf(() => this.selection());
    this.requireKeyword('from');
    const topicFilter = this.topicFilter();
    const where = this.acceptKeyword('where') ? this.comparisons() : [];
    this.requireEnd();
    return { select, topicFilter, where };
  }

  onlyExpression(): Expression {
    const expression = this.expression();
    this.requireEnd();
    return expression;
  }

  private selection(): Selection {
    const at = this.next.at;
    const expression = this.expression();
    if (this.acceptKeyword('as')) return { expression, alias: this.name() };
    if (expression.kind === 'whole') return { expression, alias: undefined };
    if (expression.kind === 'field') return { expression, alias: expression.path.at(-1) };
    throw sqlError(`the selection at character ${at + 1} needs an alias (AS …) in the local cloud`, this.sql);
  }

  private topicFilter(): string {
    if (this.next.kind !== 'string') throw this.unexpected("a topic filter in '…'");
    const filter = this.take().text;
    if (!isTopicFilter(filter)) throw sqlError(`'${filter}' is not a topic filter`, this.sql);
    return filter;
  }

  private comparisons(): RuleComparison[] {
    const all = [this.comparison()];
    while (this.acceptKeyword('and')) all.push(this.comparison());
    return all;
  }

  private comparison(): RuleComparison {
    const left = this.expression();
    const operator = OPERATORS[this.next.text];
    if (this.next.kind !== 'symbol' || operator === undefined) throw this.unexpected('a comparison');
    this.take();
    return { left, operator, right: this.expression() };
  }

  private expression(): Expression {
    const { kind, text } = this.next;
    if (kind === 'string') return { kind: 'literal', value: this.take().text };
    if (kind === 'number') return { kind: 'literal', value: Number(this.take().text) };
    if (this.acceptSymbol('*')) return { kind: 'whole' };
    if (this.acceptKeyword('true')) return { kind: 'literal', value: true };
    if (this.acceptKeyword('false')) return { kind: 'literal', value: false };
    if (kind === 'name' && !RESERVED.has(text.toLowerCase())) return this.callOrField();
    throw this.unexpected('an expression');
  }

  private callOrField(): Expression {
    const { at } = this.next;
    const first = this.name();
    if (this.acceptSymbol('(')) return this.call(first, at);
    const path = [first];
    while (this.acceptSymbol('.')) path.push(this.name());
    return { kind: 'field', path };
  }

  private call(written: string, at: number): Expression {
    const name = written.toLowerCase();
    if (!Object.hasOwn(FUNCTIONS, name)) {
      throw sqlError(
        `function ${written}() at character ${at + 1} is not supported by the local cloud`,
        this.sql,
      );
    }
    const args = this.argumentsOfCall();
    requireArguments(name as FunctionName, args, this.sql);
    return { kind: 'call', name: name as FunctionName, args };
  }

  private argumentsOfCall(): Expression[] {
    if (this.acceptSymbol(')')) return [];
    const args = this.listOf(() => this.expression());
    this.requireSymbol(')');
    return args;
  }

  private listOf<T>(parse: () => T): T[] {
    const all = [parse()];
    while (this.acceptSymbol(',')) all.push(parse());
    return all;
  }

  private get next(): Token {
    // The last token is `end`, and nothing takes it.
    return this.tokens[this.position] as Token;
  }

  private take(): Token {
    const token = this.next;
    this.position += 1;
    return token;
  }

  private name(): string {
    if (this.next.kind !== 'name') throw this.unexpected('a name');
    return this.take().text;
  }

  private acceptSymbol(symbol: string): boolean {
    if (this.next.kind !== 'symbol' || this.next.text !== symbol) return false;
    this.position += 1;
    return true;
  }

  private acceptKeyword(keyword: string): boolean {
    if (this.next.kind !== 'name' || this.next.text.toLowerCase() !== keyword) return false;
    this.position += 1;
    return true;
  }

  private requireSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.unexpected(`'${symbol}'`);
  }

  private requireKeyword(keyword: string): void {
    if (!this.acceptKeyword(keyword)) throw this.unexpected(keyword.toUpperCase());
  }

  private requireEnd(): void {
    if (this.next.kind !== 'end') throw this.unexpected('the end');
  }

  private unexpected(expected: string): Error {
    const { text, at } = this.next;
    return sqlError(`expected ${expected}, found '${text}' at character ${at + 1}`, this.sql);
  }
}

function requireArguments(name: FunctionName, args: Expression[], sql: string): void {
  const [least, most] = FUNCTIONS[name];
  if (args.length < least || args.length > most) {
    throw sqlError(`${name}() with ${args.length} arguments is not supported by the local cloud`, sql);
  }
  const [, encoding] = args;
  if (name === 'encode' && !(encoding?.kind === 'literal' && encoding.value === 'base64')) {
    throw sqlError("encode() is supported by the local cloud with 'base64' only", sql);
  }
}

const WHITESPACE = /\s+/y;
const PATTERNS: readonly [TokenKind, RegExp][] = [
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /-?\d+(\.\d+)?/y],
  ['string', /'[^'\\]*'/y],
  ['symbol', /<>|<=|>=|!=|[*(),.=<>]/y],
];

/** Splits SQL into tokens; the last one is of kind `end`. Throws SqlParseException. */
function tokenise(sql: string): Token[] {
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

function sqlError(message: string, sql: string): AwsError {
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
