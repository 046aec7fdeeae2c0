/**
 * CloudFormation's intrinsic functions.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
 */

/** The value of `AWS::NoValue`: removes the property that has it. */
export const NO_VALUE = Symbol('AWS::NoValue');

/** What references mean where a value is resolved. Each method throws a TypeError that names what is not there. */
export interface Scope {
  ref(name: string): unknown;
  getAtt(logicalId: string, attribute: string): unknown;
  condition(name: string): boolean;
  findInMap(map: string, first: string, second: string): unknown;
  /** What another stack exports under this name. */
  importValue(name: string): unknown;
  /** Availability zones of a region. */
  zones(region: string): string[];
  /** Stands for what is not known yet: set while a template is only being checked. */
  readonly unknown?: string;
}

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const INTRINSICS: Record<string, Intrinsic> = {
  Ref: (name, scope) => scope.ref(text(name, 'Ref')),
  Condition: (name, scope) => scope.condition(text(name, 'Condition')),
  'Fn::GetAtt': getAtt,
  'Fn::Sub': sub,
  'Fn::Join': join,
  'Fn::Select': select,
  'Fn::Split': split,
  'Fn::If': choose,
  'Fn::Equals': (pair, scope) => {
    const [left, right] = list(pair, 'Fn::Equals', 2).map((side) => resolve(side, scope));
    return JSON.stringify(left) === JSON.stringify(right);
  },
  'Fn::Not': (operand, scope) => !truth(list(operand, 'Fn::Not', 1)[0], scope),
  'Fn::And': (operands, scope) => list(operands, 'Fn::And').every((each) => truth(each, scope)),
  'Fn::Or': (operands, scope) => list(operands, 'Fn::Or').some((each) => truth(each, scope)),
  'Fn::Base64': (value, scope) => Buffer.from(scalar(value, scope, 'Fn::Base64')).toString('base64'),
  'Fn::FindInMap': (path, scope) => {
    const [map, first, second] = list(path, 'Fn::FindInMap', 3).map((part) =>
      scalar(part, scope, 'Fn::FindInMap'),
    );
    return scope.findInMap(map ?? '', first ?? '', second ?? '');
  },
  'Fn::ImportValue': (name, scope) => scope.importValue(scalar(name, scope, 'Fn::ImportValue')),
  'Fn::GetAZs': (region, scope) => scope.zones(scalar(region, scope, 'Fn::GetAZs')),
  'Fn::ToJsonString': (value, scope) => JSON.stringify(resolve(value, scope)),
  'Fn::Length': (value, scope) => list(resolve(value, scope), 'Fn::Length').length,
};

/**
 * `value` with every intrinsic function in it replaced by its result.
 * Throws a TypeError for malformed and for unsupported functions (`Fn::Transform` among them).
 */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => resolve(each, scope)).filter((each) => each !== NO_VALUE);
  }
  if (value === null || typeof value !== 'object') return value;
  const name = intrinsicName(value);
  if (name !== undefined) {
    const intrinsic = INTRINSICS[name];
    if (intrinsic === undefined) throw new TypeError(`${name} is not supported by the local cloud`);
    return intrinsic((value as Record<string, unknown>)[name], scope);
  }
  const entries = Object.entries(value).map(([key, inner]) => [key, resolve(inner, scope)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== NO_VALUE));
}

/** IAM's `Condition` blocks have the same name as the intrinsic: only a string makes it one. */
function intrinsicName(value: object): string | undefined {
  const [key, ...others] = Object.keys(value);
  if (key === undefined || others.length > 0) return undefined;
  if (key === 'Condition') {
    return typeof (value as { Condition: unknown }).Condition === 'string' ? key : undefined;
  }
  return key === 'Ref' || key.startsWith('Fn::') ? key : undefined;
}

export function evaluateCondition(value: unknown, scope: Scope): boolean {
  return truth(value, scope);
}

function truth(value: unknown, scope: Scope): boolean {
  const result = resolve(value, scope);
  if (typeof result !== 'boolean') throw new TypeError('a condition must be true or false');
  return result;
}

function getAtt(argument: unknown, scope: Scope): unknown {
  const [logicalId, ...attribute] =
    typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
  const name = attribute.map((part) => scalar(part, scope, 'Fn::GetAtt')).join('.');
  return scope.getAtt(text(logicalId, 'Fn::GetAtt'), name);
}

function sub(argument: unknown, scope: Scope): string {
  const [pattern, variables] = typeof argument === 'string' ? [argument, {}] : list(argument, 'Fn::Sub', 2);
  const own = (variables ?? {}) as Record<string, unknown>;
  return text(pattern, 'Fn::Sub').replace(/\$\{(!?)([^}]*)\}/g, (_all, literal: string, name: string) => {
    if (literal !== '') return `\${${name}}`;
    if (name in own) return scalar(own[name], scope, 'Fn::Sub');
    const [logicalId = '', ...attribute] = name.trim().split('.');
    const value =
      attribute.length === 0 ? scope.ref(logicalId) : scope.getAtt(logicalId, attribute.join('.'));
    return scalar(value, scope, 'Fn::Sub');
  });
}

function join(argument: unknown, scope: Scope): string {
  const [delimiter, parts] = list(argument, 'Fn::Join', 2);
  const resolved = resolve(parts, scope);
  if (!Array.isArray(resolved)) throw new TypeError('Fn::Join expects a list');
  return resolved.map((part) => scalar(part, scope, 'Fn::Join')).join(text(delimiter, 'Fn::Join'));
}

function select(argument: unknown, scope: Scope): unknown {
  const [index, values] = list(argument, 'Fn::Select', 2);
  const resolved = resolve(values, scope);
  const chosen: unknown = Array.isArray(resolved) ? resolved[Number(resolve(index, scope))] : undefined;
  if (chosen === undefined && scope.unknown === undefined) {
    throw new TypeError(`Fn::Select has no element ${String(index)}`);
  }
  return chosen ?? scope.unknown;
}

function split(argument: unknown, scope: Scope): string[] {
  const [delimiter, value] = list(argument, 'Fn::Split', 2);
  return scalar(value, scope, 'Fn::Split').split(text(delimiter, 'Fn::Split'));
}

function choose(argument: unknown, scope: Scope): unknown {
  const [condition, yes, no] = list(argument, 'Fn::If', 3);
  return resolve(scope.condition(text(condition, 'Fn::If')) ? yes : no, scope);
}

function list(value: unknown, name: string, length?: number): unknown[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
    throw new TypeError(`${name} expects a list${length === undefined ? '' : ` of ${length}`}`);
  }
  return value;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} expects a string`);
  return value;
}

function scalar(value: unknown, scope: Scope, name: string): string {
  const resolved = resolve(value, scope);
  if (typeof resolved === 'string') return resolved;
  if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
  throw new TypeError(`${name} expects a string, a number or a boolean`);
}
