/** The syntax tree of the part of AWS IoT SQL (2016-03-23) that the local cloud understands. */
export type Expression =
  | { kind: 'literal'; value: string | number | boolean }
  /** A field of the payload: `a.b` */
  | { kind: 'field'; path: string[] }
  /** `*`: the whole payload. */
  | { kind: 'whole' }
  | { kind: 'call'; name: FunctionName; args: Expression[] };

/** How many arguments each function takes. */
export const FUNCTIONS = {
  topic: [0, 1],
  principal: [0, 0],
  clientid: [0, 0],
  timestamp: [0, 0],
  newuuid: [0, 0],
  encode: [2, 2],
} as const satisfies Record<string, readonly [least: number, most: number]>;
export type FunctionName = keyof typeof FUNCTIONS;

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export interface RuleComparison {
  left: Expression;
  operator: ComparisonOperator;
  right: Expression;
}

export interface Selection {
  expression: Expression;
  /** The key in the result; undefined for `*`, whose fields are taken over. */
  alias: string | undefined;
}

export interface RuleQuery {
  select: Selection[];
  topicFilter: string;
  /** All must hold. */
  where: RuleComparison[];
}
