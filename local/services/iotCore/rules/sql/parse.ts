import { isTopicFilter } from '../../topics';
import {
  FUNCTIONS,
  type Comparison,
  type Expression,
  type FunctionName,
  type Operator,
  type Query,
  type Selection,
} from './syntax';
import { sqlError, tokenise, type Token } from './tokens';

/**
 * `SELECT <list> FROM '<filter>' [WHERE <comparison> [AND …]]`. Throws SqlParseException, naming what
 * the local cloud does not understand.
 */
export function parseQuery(sql: string): Query {
  return new Parser(sql).query();
}

/** One expression, as inside `${…}` of a substitution template. Throws SqlParseException. */
export function parseExpression(text: string): Expression {
  return new Parser(text).onlyExpression();
}

const OPERATORS: Record<string, Operator> = {
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

  query(): Query {
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

  private comparisons(): Comparison[] {
    const all = [this.comparison()];
    while (this.acceptKeyword('and')) all.push(this.comparison());
    return all;
  }

  private comparison(): Comparison {
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
