import { defaultCorePrefix, EdgeError, parseWith } from '../../protocol';
import type { Serverless } from '../framework';
import { edgeSectionSchema, type EdgeSection } from './schema';

/** The checked `edge` section together with every name that the resources share. */
export interface EdgeConfiguration {
  section: EdgeSection;
  service: string;
  stage: string;
  devicePrefix: string;
  corePrefix: string;
  /** CloudFormation values: a literal name or a `Fn::Sub`. */
  functionsBucket: unknown;
  stateBucket: unknown;
  /** Prefix of Lambda functions that createFunction makes. */
  cloudFunctionPrefix: string;
  roleAliasName: string;
  corePolicyName: string;
  devicePolicyName: string;
}

/** Throws CONFIG_INVALID naming the path, what is expected and the nearest valid name. */
export function readConfiguration(serverless: Serverless): EdgeConfiguration {
  const section = parseWith(
    edgeSectionSchema,
    serverless.configurationInput['edge'] ?? {},
    'edge',
    'CONFIG_INVALID',
  );
  requireKnownFunctions(section, Object.keys(serverless.service.functions));
  const service = serverless.service.service;
  const stage = serverless.getProvider('aws').getStage();
  const name = `${service}-${stage}`;
  return {
    section,
    service,
    stage,
    devicePrefix: section.topics.prefix,
    corePrefix: defaultCorePrefix(service, stage),
    functionsBucket: section.buckets.functions ?? bucketName(name, 'edge-functions'),
    stateBucket: section.buckets.state ?? bucketName(name, 'edge-state'),
    cloudFunctionPrefix: `${name}-edge-`,
    roleAliasName: `${name}-edge-core`,
    corePolicyName: `${name}-edge-core`,
    devicePolicyName: `${name}-edge-device`,
  };
}

const MAX_BUCKET_NAME = 63;
const ACCOUNT_DIGITS = 12;

function bucketName(name: string, suffix: string): unknown {
  const fixed = `${name}-${suffix}-`.toLowerCase();
  if (fixed.length + ACCOUNT_DIGITS > MAX_BUCKET_NAME) {
    throw new EdgeError('CONFIG_INVALID', `edge.buckets: "${fixed}<account>" is too long for a bucket name`, {
      field: 'edge.buckets',
      expected: 'names of your own for buckets.functions and buckets.state, or a shorter service name',
    });
  }
  return { 'Fn::Sub': `${fixed}\${AWS::AccountId}` };
}

function requireKnownFunctions(section: EdgeSection, known: string[]): void {
  const check = (name: string, field: string, valid: string[]): void => {
    if (valid.includes(name)) return;
    const nearest = nearestName(name, valid);
    const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
    throw new EdgeError(
      'CONFIG_INVALID',
      `${field}: "${name}" is not one of ${valid.join(', ') || '(none)'}${hint}`,
      {
        field,
        expected: `one of ${valid.join(', ')}`,
      },
    );
  };
  for (const name of Object.keys(section.functions)) check(name, `edge.functions.${name}`, known);
  for (const [group, { functions }] of Object.entries(section.groups)) {
    functions.forEach((name, index) =>
      check(name, `edge.groups.${group}.functions.${index}`, Object.keys(section.functions)),
    );
  }
}

/** The valid name with the smallest edit distance, if it is near at all. */
export function nearestName(name: string, valid: readonly string[]): string | undefined {
  const ranked = valid
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, name.length / 3) ? best.candidate : undefined;
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
